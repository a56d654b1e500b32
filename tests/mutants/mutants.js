// Plant each bug in a copy of the tree, and say which check kills it.
//
// usage: node tests/mutants/mutants.js
//   ONLY=text    those whose name has it (or one of several; commas between)
//   SEEDS=200    of the simulator, at most
//   JOBS=n       copies of the tree at work side by side; all cores
//   WRITE=1      put the outcome into the table of docs/testing.md
import os from 'node:os';
import { checkOf } from './checks.js';
import { Garden } from './kill.js';
import { headFaults, mutants, Tree } from './plant.js';
import { readTable, writeTable } from './table.js';

const only = (process.env.ONLY ?? '').split(',');
const seeds = Number(process.env.SEEDS || 200);
const cores = os.cpus().length;
const jobs = Number(process.env.JOBS || cores);
const all = mutants();
const chosen = all.filter((m) => only.some((text) => m.name.includes(text)));
const outcome = new Map();

function line(m, r) {
    const by = r.by ? r.by : 'SURVIVED';
    const after = r.seed > 0 ? `seed ${r.seed}` : '';
    return [m.name.padEnd(32), by.padEnd(18), after.padEnd(9),
        `${r.seconds} s`.padStart(6), ` ${r.said ?? m.head.promise}`].join(' ');
}

function report(m, r) {
    outcome.set(m.name, r);
    console.log(r.fault ? `${m.name}: it does not count:\n${r.fault}`
        : line(m, r));
    if (process.env.WRITE)
        writeTable(all, new Map([...readTable(), [m.name, r]]));
}

async function work(number, queue) {
    const garden = new Garden(
        new Tree(number, Math.max(1, Math.floor(cores / jobs))), seeds);

    await garden.prepare(chosen);
    for (let m = queue.shift(); m; m = queue.shift())
        report(m, await garden.kill(m));
}

for (const m of chosen)
    for (const fault of headFaults(m)) report(m, { fault });
const queue = chosen.filter((m) => !outcome.has(m.name));
await Promise.all(Array.from({ length: Math.min(jobs, queue.length) },
    (_, i) => work(i, queue)));

const results = [...outcome.values()];
const killed = results.filter((r) => r.by);
const broken = results.filter((r) => r.fault).length;
const bySim = killed.filter((r) => checkOf(r.by).isSim).length;
if (broken > 0) console.log(`${broken} do not count`);
console.log(`${bySim} killed by the simulator`);
console.log(`${killed.length} killed, ` +
    `${results.length - killed.length - broken} survived`);
process.exit(killed.length === results.length ? 0 : 1);
