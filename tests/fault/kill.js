// SIGKILL of the real daemon at the kth call of a kind that it makes, by
// strace: two schools write, one of them dies and comes back, and so on.
// After each kill its record is whole and holds whole transactions, all that it
// told among them; in the end all schools agree.
//
// usage: node tests/fault/kill.js POINTS SEED
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COVEY, form, run, suite } from '../support/cluster.js';

// A call, and the most calls of it before the kill.
const calls = [
    ['pwrite64', 90],
    ['fdatasync', 25],
    ['write', 60],
    ['writev', 12],
    ['sendto', 12],
    ['sendmsg', 12],
    ['read', 60],
    ['recvfrom', 20],
    ['pread64', 60],
    ['ftruncate', 6],
    ['unlink', 3],
    ['openat', 60],
    ['close', 40],
    ['fcntl', 90],
    ['epoll_pwait', 60],
    ['epoll_wait', 60],
    ['futex', 60],
    ['accept4', 10],
];
const initCalls = ['openat', 'mkdir', 'write', 'pwrite64', 'fsync', 'fdatasync', 'rename', 'unlink', 'ftruncate', 'close'];
const WRITES = 25; // before a kill that does not come is given up

export function generator(seed) {
    let s = BigInt(seed) + 1n;
    return (sides) => {
        s = (s * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
        return Number((s >> 33n) % BigInt(sides));
    };
}

const under = (call, k) => ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${k}`];

// One request of the API; the status, or 0 where none came.
function post(node, route, body) {
    return new Promise((resolve) => {
        const options = { socketPath: path.join(node.dir, 'covey.sock'), path: route, method: 'POST', headers: { 'Content-Type': 'application/json' }, timeout: 20000 };
        const request = http.request(options, (reply) => {
            reply.resume();
            reply.on('end', () => resolve(reply.statusCode));
            reply.on('error', () => resolve(0));
        });
        request.on('timeout', () => request.destroy());
        request.on('error', () => resolve(0));
        request.end(JSON.stringify(body));
    });
}

// Two rows in one transaction; told if it was answered.
async function writePair(world, node) {
    const title = `pair ${world.written++}`;
    const values = ['a', 'b'].map((w) => `('${world.space}', '${title}', '${w}')`).join(', ');
    const status = await post(node, '/api/sql', { statement: `INSERT INTO priority (space, title, why) VALUES ${values}` });
    if (status === 200) world.told.get(node).add(title);
}

// The record as it lies there: a copy of it, since a look would mend it.
async function look(world, node) {
    const copy = path.join(world.dir, 'copy.db');
    for (const end of ['', '-wal', '-shm', '-journal']) {
        fs.rmSync(copy + end, { force: true });
        const file = path.join(node.dir, `record.db${end}`);
        if (end !== '-shm' && fs.existsSync(file)) fs.copyFileSync(file, copy + end);
    }
    const sql = "PRAGMA integrity_check; SELECT title || ':' || count(*) FROM priority WHERE title LIKE 'pair %' GROUP BY title";
    const r = await run('sqlite3', [copy, sql]);
    assert.equal(r.err, '');
    const [integrity, ...rows] = r.out.trim().split('\n');
    assert.equal(integrity, 'ok');
    const pairs = new Map(rows.map((line) => line.split(':')));
    for (const [title, count] of pairs) assert.equal(count, '2', `${title} is half there`);
    for (const title of world.told.get(node)) assert.ok(pairs.has(title), `${title} was told, and is lost`);
}

// Both write until the one dies of its kill, or has done enough.
async function oneKill(world, node, call, k) {
    await node.start({ under: under(call, k) }).catch(() => {}); // killed while it starts
    for (let i = 0; node.running && i < WRITES; i++) {
        await Promise.all([writePair(world, node), i % 3 === 0 ? writePair(world, world.other) : null]);
    }
    const reached = !node.running;
    if (!reached) {
        const [pid] = fs.readFileSync(`/proc/${node.child.pid}/task/${node.child.pid}/children`, 'utf8').trim().split(' ');
        process.kill(Number(pid), 'SIGKILL');
    }
    await node.ended;
    await look(world, node);
    return reached;
}

async function killAtCalls(cluster, points, dice) {
    const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'], init: ['--kind', 'council'] });
    const schools = ['Ashbrook Lower', 'Rivermead Middle'].map((n, i) => cluster.node(n, { listen: i === 0 }));
    await cluster.up(relay, ...schools);
    const space = await form(schools[0], relay, [schools[1]]);
    const world = { dir: cluster.dir, space, other: schools[1], written: 0, told: new Map(schools.map((s) => [s, new Set()])) };
    const [node] = schools;
    const reached = new Map();
    let count = 0;

    await node.stop();
    for (let tries = 0; count < points; tries++) {
        const [call, most] = calls[tries % calls.length];
        if (!(await oneKill(world, node, call, 1 + dice(most)))) continue;
        reached.set(call, (reached.get(call) || 0) + 1);
        count++;
    }
    await node.start();
    await cluster.converged(space, schools, [relay], 120);
    for (const s of schools) {
        await s.stop();
        await look(world, s);
    }
    const told = [...world.told.values()].reduce((n, set) => n + set.size, 0);
    console.log(`      ${count} kills at ${reached.size} calls (${[...reached].map((r) => r.join(' ')).join(', ')}); ${told} of ${world.written} transactions were told, none is lost`);
    assert.ok(reached.size >= Math.min(8, points / 2), 'too few kinds of call were reached');
}

// An init that dies leaves nothing in the way of the next.
async function killInits(cluster, points, dice) {
    let count = 0;
    for (let tries = 0; count < points && tries < 10 * points; tries++) {
        const node = cluster.node(`Init ${tries}`);
        const call = initCalls[tries % initCalls.length];
        const args = ['--data', node.dir, 'init', '--name', 'Init'];
        const first = await run('strace', [...under(call, 1 + dice(12)).slice(1), COVEY, ...args]);
        const again = await run(COVEY, args);
        if (first.code !== 0) {
            count++;
            if (again.code !== 0) assert.match(again.err, /(is there|holds a record) already/, `after a kill at ${call}: ${again.err}`);
        }
        await node.start();
        await node.kill();
        fs.rmSync(node.dir, { recursive: true });
    }
    console.log(`      ${count} kills of an init`);
    assert.equal(count, points);
}

export async function kill(points, seed) {
    const dice = generator(seed);
    const inits = Math.ceil(points / 10);
    return suite('kill', {
        [`${points - inits} kills at system calls lose nothing (seed ${seed})`]: (cluster) => killAtCalls(cluster, points - inits, dice),
        [`${inits} kills of an init leave nothing in the way (seed ${seed})`]: (cluster) => killInits(cluster, inits, dice),
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [points, seed] = process.argv.slice(2).map(Number);
    const { passed, failed } = await kill(points, seed);
    if (failed === 0) console.log(`kill points: ${points}`);
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}
