// The long run: worlds, power losses, kills and fuzzing, each as often as the
// figures of docs/testing.md ask for.
//
// usage: node tests/soak/soak.js [PART...]    PART: sim, power, kill, fuzz
//
// SHARE=0.01 takes that part of each, to see that it works; SEED=n is the first
// seed, otherwise a fresh one.  A part is cut into pieces, two of which run at a
// time; what each prints is kept as build/log/soak/PART-n.log.  Exits 1 when
// something was found, or a figure falls short.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as c from '../fuzz/campaign.js';

const SHARE = Number(process.env.SHARE || 1);
const SEED = Number(process.env.SEED || Date.now() % 1000000000);
const TELL_EACH_MS = 30000;
const logs = path.join(c.root, 'build/log/soak');

// Of a small share chance leaves less.
const wanted = (goal) => (SHARE < 1 ? 0.8 : 1) * SHARE * goal;
const most = (whole, least) => Math.max(least, Math.ceil(whole * SHARE));

// The numbers that a pattern picks out of a text, by the names of its groups.
function pick(text, pattern) {
    const groups = [...text.matchAll(pattern)].at(-1)?.groups ?? {};

    return Object.fromEntries(Object.entries(groups).map(([name, n]) => [name, Number(n)]));
}

// A piece that is a program, whose last word on itself is read by a pattern.
const program = (pattern, command, ...args) => async (hear) => {
    const { code, output } = await c.run(command, args.map(String), { hear });

    return { ok: code === 0, output, counts: pick(output, pattern) };
};

const SIM = /^(?<seeds>\d+) (?:of \d+ )?seeds, (?<node_hours>\d+) node-hours.*(?:\n(?=\d)[\d.]+ edits and [\d.]+ faults to a node-hour \((?<edits>\d+) and (?<faults>\d+)\))?/gm;
const POWER = /^power: .* (?<points>\d+) points in (?<worlds>\d+) worlds/gm;
const KILL = /^kill points: (?<points>\d+)/gm;

// All seeds in one: what no seed comes by is known only of the sum.
function sim() {
    return [program(SIM, 'build/tests/sim/tool_sim', '--seeds', most(1000, 10), '--first', SEED % 2 ** 31, '--jobs', os.cpus().length)];
}

// So many pieces, each of its own seed and equally large.
function pieces(count, whole, make) {
    const n = Math.max(2, Math.ceil(count * SHARE));
    const size = Math.ceil((whole * SHARE) / n);

    return Array.from({ length: n }, (_, i) => make(size, SEED + i));
}

// At one of ten changes on the disks, so that there are many worlds.
const power = () => pieces(20, 20000, (points, seed) => program(POWER, 'build/tests/fault/tool_power', seed, points, 10));
const kill = () => pieces(20, 1000, (points, seed) => program(KILL, 'node', 'tests/fault/kill.js', Math.max(points, 10), seed));

// Each target as long as any other, in turns of a minute, until there are enough
// executions: some do in a second what others do in an hour.
function fuzz() {
    const names = c.targets();
    let left = wanted(10e6);
    const one = async (target, turn) => {
        if (turn > 0 && left <= 0) return { ok: true, output: 'not needed', counts: {} };
        const r = await c.fuzz(target, Math.max(2, Math.round(60 * SHARE)));

        left -= r.runs;
        if (!r.ok) c.tell(r);
        return { ok: r.ok && r.runs > 0, output: r.output, counts: { executions: r.runs } };
    };

    return Array.from({ length: 20 }, (_, turn) => names.map((target) => () => one(target, turn))).flat();
}

// What a part makes, and how much of each is wanted; of a node-hour only such
// with twenty edits and a fault in it.
const parts = {
    sim: { cut: sim, alone: true, goals: { seeds: 1000, node_hours: 100000 }, each: { of: 'node_hours', edits: 20, faults: 1 } },
    power: { cut: power, goals: { points: 20000 } },
    kill: { cut: kill, goals: { points: 1000 } },
    fuzz: { cut: fuzz, goals: { executions: 10e6 } },
};

const number = (n) => n.toLocaleString('en-GB');
const told = (counts) => Object.entries(counts).map(([name, n]) => `${number(n)} ${name.replace('_', '-')}`).join(', ');
const since = (begun) => Math.round((Date.now() - begun) / 1000);

function add(sum, counts) {
    for (const [name, n] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + (n || 0);
    return sum;
}

// Which figures fall short, in words.
function short({ goals, each = {} }, sum) {
    const { of, ...rates } = each;
    const few = Object.entries(goals)
        .filter(([name, goal]) => !((sum[name] ?? 0) >= wanted(goal)))
        .map(([name, goal]) => `${sum[name] ?? 0} of ${wanted(goal)} ${name}`);
    const thin = Object.entries(rates)
        .filter(([name, rate]) => !(sum[name] >= rate * sum[of]))
        .map(([name, rate]) => `fewer than ${rate} ${name} to one of ${of}`);

    return [...few, ...thin];
}

// Run all pieces of a part; tell how far it is while it runs.
async function soak(name) {
    const part = parts[name];
    const begun = Date.now();
    const all = part.cut();
    const sum = {};
    let bad = 0;
    let done = 0;
    let latest = '';
    const progress = setInterval(() => {
        const far = part.alone ? latest : `${done} of ${all.length} pieces, ${told(sum) || 'none ended yet'}`;
        console.log(`     ${name}: ${far}, ${bad} failed, ${since(begun)} s`);
    }, TELL_EACH_MS);

    await c.eachOf(all.entries(), async ([i, piece]) => {
        const { ok, output, counts } = await piece((text) => (latest = text.trim().split('\n').at(-1)));

        fs.writeFileSync(path.join(logs, `${name}-${i + 1}.log`), output);
        add(sum, counts);
        done++;
        if (ok) return;
        bad++;
        console.log(`FAIL ${name}-${i + 1}, all of it in build/log/soak/`);
        console.log(output.split('\n').filter((line) => !/^ok/.test(line)).slice(-40).join('\n'));
    });
    clearInterval(progress);
    const lacking = short(part, sum);
    const ok = bad === 0 && lacking.length === 0;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${told(sum)}, ${bad} of ${all.length} pieces failed, ${since(begun)} s${lacking.map((l) => `; ${l}`).join('')}`);
    return ok;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
if (names.some((name) => !parts[name]) || !(SHARE > 0)) {
    console.error(`usage: soak.js [PART...]    PART: ${Object.keys(parts).join(', ')}`);
    process.exit(2);
}
fs.mkdirSync(logs, { recursive: true });
console.log(`soak: first seed ${SEED}${SHARE === 1 ? '' : `, ${SHARE} of the whole`}`);
let passed = 0;
for (const name of names) passed += (await soak(name)) ? 1 : 0;
console.log(`${passed} passed, ${names.length - passed} failed`);
process.exit(passed < names.length ? 1 : 0);
