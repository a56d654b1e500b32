// The vectors of docs/protocol.md: made anew by the tools of this folder and
// compared byte for byte with the files, then read by the decoder.
//
// usage: node tests/vectors/run.js [--write]    --write: the files are replaced
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const build = process.env.COVEY_BUILD || `${root}build`;
const isWriting = process.argv.includes('--write');
const tools = ['', '_batch', '_epochs', '_forged', '_messages', '_refused', '_rows', '_states', '_wire'];
let passed = 0;
let failed = 0;

function test(name, run) {
    try {
        run();
        passed++;
    } catch (error) {
        failed++;
        console.log(`FAIL ${name}: ${error.message}`);
    }
}

function compare(name, value) {
    const path = `${here}${name}.json`;
    const text = `${JSON.stringify(value, null, 2)}\n`;

    if (isWriting) fs.writeFileSync(path, text);
    test(`${name}.json is what the program makes`, () => {
        if (fs.readFileSync(path, 'utf8') !== text)
            throw new Error('it differs; see what changed the format');
    });
}

const made = new Set();

// ---- made anew

for (const tool of tools.map((name) => `tool_vectors${name}`)) {
    test(`${tool} runs`, () => {
        const out = execFileSync(`${build}/tests/vectors/${tool}`,
            { encoding: 'utf8', maxBuffer: 1 << 24 });

        for (const [name, value] of Object.entries(JSON.parse(out))) {
            made.add(name);
            compare(name, value);
        }
    });
}

// ---- read by the decoder, which flips bits, too, and must notice

const { files, notLookedAt, read } = await import('./decoder.js');
let checks = 0;

for (const file of files)
    test(`the decoder reads ${file}.json`, () => {
        const found = read(file);

        checks += found.passed;
        if (found.failed > 0) throw new Error(`${found.failed} checks failed`);
    });
test('the decoder has looked at everything in them', () => {
    const left = notLookedAt();

    if (left.length > 0) throw new Error(left.join(' '));
});

// ---- the document

test('the examples of docs/protocol.md stand in the vectors', () => {
    const texts = files.map((file) => fs.readFileSync(`${here}${file}.json`, 'utf8'));
    const { text } = JSON.parse(texts[files.indexOf('ticket')]);
    const ticket = Buffer.from(text.slice('covey1'.length), 'base64url');
    const all = `${texts.join()} ${ticket.toString('hex')}`;
    const document = fs.readFileSync(`${root}docs/protocol.md`, 'utf8');

    for (const [bytes] of document.matchAll(/\b[0-9a-f]{16,}\b/g))
        if (!all.includes(bytes)) throw new Error(`${bytes} does not`);
});

test('each file is made', () => {
    for (const file of files) if (!made.has(file)) throw new Error(`${file}.json is not`);
});

console.log(`${checks} checks by the decoder`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
