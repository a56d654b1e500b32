// The fuzzing suite: replays every committed input under gcc's sanitizers, then
// fuzzes each target briefly, with fresh seeds.  FUZZ_SECONDS is for all
// targets together, on each processor.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as c from './campaign.js';

const names = c.targets();
const seconds = Math.max(
    1,
    Math.round((Number(process.env.FUZZ_SECONDS ?? 60) * os.cpus().length) / names.length)
);
let passed = 0;
let failed = 0;
let runs = 0;

function say(ok, what) {
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
    if (ok) passed++;
    else failed++;
}

// A corpus that is empty, or was not read, replays nothing.
async function replay(name) {
    const program = path.join(c.root, 'build/san/replay', name);
    const dir = c.committed(name);
    const inputs = c.files(dir).length;
    const { code, output } = await c.run(program, [dir]);
    const ok = code === 0 && inputs > 0 && output.split('\n').includes(`${inputs} inputs`);

    if (!ok) console.log(output.split('\n').slice(-60).join('\n'));
    say(ok, `${name}: ${inputs} inputs replayed`);
}

async function fuzz(name) {
    const result = await c.fuzz(name, seconds);
    const ok = result.ok && result.runs > 0;

    runs += result.runs;
    if (!ok) c.tell(result);
    say(ok, `${name}: ${result.runs} executions, ${result.edges} edges`);
}

// A corpus whose target is gone is replayed by nobody.
function orphans() {
    const dirs = fs.readdirSync(path.join(c.root, 'tests/fuzz/corpus'));
    const lost = dirs.filter((dir) => !names.includes(dir));

    say(lost.length === 0, `every corpus has its target${lost.map((dir) => ` (not ${dir})`)}`);
}

// A function of proto/ that reads bytes and is in no row of the README is in no
// target; and each target has a row.
function unlisted() {
    const readme = fs.readFileSync(path.join(c.root, 'tests/fuzz/README.md'), 'utf8');
    const reader = /\b(\w+_(?:read|read_next|receive|consume_\d|validate|decrypt|decode|open))\(/g;
    const proto = path.join(c.root, 'proto');
    const readers = fs
        .readdirSync(proto)
        .filter((file) => file.endsWith('.h'))
        .map((file) => fs.readFileSync(path.join(proto, file), 'utf8'))
        .flatMap((text) => [...text.matchAll(reader)].map((m) => m[1]));
    const missing = [...new Set([...readers, ...names])].filter(
        (name) => !readme.includes(`\`${name}\``)
    );

    say(readers.length > 0 && missing.length === 0,
        `every reader of bytes is in a target${missing.map((name) => ` (not ${name})`)}`);
}

orphans();
unlisted();

await c.eachOf(names, replay);
await c.eachOf(names, fuzz);
console.log(`${runs} executions`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
