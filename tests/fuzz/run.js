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
    const ok = code === 0 && inputs > 0 && output.includes(`\n${inputs} inputs\n`.trim());

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
for (const dir of fs.readdirSync(path.join(c.root, 'tests/fuzz/corpus')))
    if (!names.includes(dir)) say(false, `corpus/${dir} has no target`);

await c.eachOf(names, replay);
await c.eachOf(names, fuzz);
console.log(`${runs} executions`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
