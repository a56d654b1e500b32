// The vectors of docs/protocol.md: made anew by the tools of this folder and
// compared byte for byte with the files, then read by the decoder.
//
// usage: node tests/vectors/run.js [--write]    --write: the files are replaced
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checks, read } from './decoder.js';

const here = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const build = process.env.COVEY_BUILD || `${root}build`;
const isWriting = process.argv.includes('--write');
const tools = ['tool_vectors', 'tool_vectors_batch', 'tool_vectors_rows',
    'tool_vectors_wire'];
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

for (const tool of tools) {
    test(`${tool} runs`, () => {
        const out = execFileSync(`${build}/tests/vectors/${tool}`,
            { encoding: 'utf8', maxBuffer: 1 << 24 });

        for (const [name, value] of Object.entries(JSON.parse(out))) {
            made.add(name);
            compare(name, value);
        }
    });
}

// ---- read by the decoder

for (const name of Object.keys(checks))
    test(`the decoder reads ${name}.json`, () =>
        checks[name](read(name), () => {}));

// ---- the decoder notices: one bit flipped, in some places of what it verifies

const FLIPS = 12;
const places = {
    identity: (v) => [[v.member, 'certificate'], [v.renewed, 'certificate'],
        [v.node, 'certificate'], [v.other, 'certificate']],
    header: (v) => [[v.two_cites, 'header'], [v.two_cites, 'signature']],
    payload: (v) => [[v, 'payload'], [v, 'erased']],
    rows: (v) => v.deleted.steps.map((step) => [step, 'part']),
    epochs: (v) => v.epochs.map((epoch) => [epoch, 'bytes']),
    request: (v) => [[v, 'sealed']],
    proof: (v) => [[v, 'proof'], [v, 'carry']],
    session: (v) => v.frames.map((it) => [it, 'frame']),
    door: (v) => v.frames.map((it) => [it, 'frame']),
    batch: (v) => [[v, 'body']],
    frontier: (v) => [[v, 'body']],
};

function flip(name, index, at) {
    const v = read(name);
    const [holder, key] = places[name](v)[index];
    const bytes = Buffer.from(holder[key], 'hex');

    bytes[Math.floor(bytes.length * at)] ^= 1;
    holder[key] = bytes.toString('hex');
    try {
        checks[name](v, () => {});
    } catch {
        return;
    }
    throw new Error(`not noticed: ${key} ${index} at ${at}`);
}

for (const name of Object.keys(places))
    test(`a flipped bit in ${name}.json is noticed`, () => {
        for (const [index] of places[name](read(name)).entries())
            for (let i = 0; i < FLIPS; i++)
                flip(name, index, (i + 0.5) / FLIPS);
    });

// ---- the document

test('the examples of docs/protocol.md stand in the vectors', () => {
    const ticket = Buffer.from(read('ticket').text.slice(6), 'base64url');
    const all = Object.keys(checks).map((name) => JSON.stringify(read(name)))
        .join() + ticket.toString('hex');
    const document = fs.readFileSync(`${root}docs/protocol.md`, 'utf8');

    for (const [bytes] of document.matchAll(/\b[0-9a-f]{16,}\b/g))
        if (!all.includes(bytes)) throw new Error(`${bytes} does not`);
});

test('each file is made, and each is read', () => {
    for (const file of fs.readdirSync(here).filter((f) => f.endsWith('.json'))) {
        const name = file.replace(/\.json$/, '');

        if (!made.has(name) || !(name in checks))
            throw new Error(`${file} is not`);
    }
});
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
