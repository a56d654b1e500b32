// Descriptors run out, because the limit is low or a crowd holds them all: the
// daemon says so once, goes on with what it has, and lets in who waits as they
// come free.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { COVEYD, form, run, until } from '../support/cluster.js';

const LIMIT = 64; // the lowest that a daemon starts with (daemon/daemon.c)
const LOWERED = 36; // more than it holds by itself, less than with a crowd
const CROWD = 24; // more than are let in with LIMIT
const REST_MS = 250; // of a door that has none to give (daemon/door.h)

const limited = (limit, ...under) => ['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`, ...under];

// A request on a connection of its own, or of the agent's.
function ask(node, method, route, { body, agent } = {}) {
    return new Promise((resolve, reject) => {
        const options = { socketPath: path.join(node.dir, 'covey.sock'), method, path: route, agent };
        const r = http.request({ ...options, headers: { 'Content-Type': 'application/json' } }, (answer) => {
            let text = '';
            answer.on('data', (d) => { text += d; });
            answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
        });
        r.on('error', reject);
        r.end(body && JSON.stringify(body));
    });
}

// One who knocks, and then only stands there.  Each comes from a network of its
// own, since of one network only a few are let in.
function knock(port, i) {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress: `127.0.${1 + i}.1` }, () => resolve(socket));
        socket.on('close', () => { socket.gone = true; });
        socket.resume();
        socket.on('error', reject);
    });
}

async function crowd(port) {
    const all = [];
    for (let i = 0; i < CROWD; i++) all.push(await knock(port, i));
    return all;
}

// A carrier, a school that dials it, and another whose descriptors are few.
async function school(cluster, under) {
    const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'], init: ['--kind', 'council'] });
    const other = cluster.node('Rivermead Middle');
    const node = cluster.node('Ashbrook Lower', { listen: true, args: ['--web', '127.0.0.1:0'] });
    await cluster.up(relay, other);
    await node.create();
    await node.start();
    const space = await form(other, relay, [node]);
    await node.stop();
    await node.start({ under });
    await until('connected', async () => (await node.json(['peer', 'list'])).some((p) => p.state === 'connected'));
    return { relay, other, node, space };
}

const add = (node, space, title) => node.line(['priority', 'add', '--space', space, '--title', title, '--why', 'x']);
const told = (node) => node.errors.split('\n').filter((line) => line.includes('out of descriptors')).length;

// Writes down whom the daemon lets in, as its grandchild.
const traced = (file) => ['strace', '-D', '-f', '-qq', '-e', 'trace=accept4', '-o', file];

// How often accept4() gave a visitor, and how often it had no descriptor.
function accepted(file) {
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    return { some: lines.filter((l) => / = \d+$/.test(l)).length, none: lines.filter((l) => l.includes('EMFILE')).length };
}

// Without a new connection to the daemon.
const arrived = (node, title) => until(title, async () => (await node.sqlite(`SELECT 1 FROM priority WHERE title = '${title}'`)).out !== '');

export default {
    'a limit too low to work with is refused, and nothing is touched': async (cluster) => {
        const node = cluster.node('Ashbrook Lower');
        await node.create();
        const before = fs.readFileSync(path.join(node.dir, 'record.db'));
        for (const limit of [8, 12, 14, 15, 18, 21, 30, LIMIT - 1]) {
            const [shell, ...args] = limited(limit, COVEYD, '--data', node.dir, '--listen', '127.0.0.1:0', '--web', '127.0.0.1:0');
            const r = await run(shell, args, { timeout: 5000 });
            assert.equal(r.code, 1, `${limit}: exit ${r.code}: ${r.err}`);
            assert.equal(r.out, '');
            assert.match(r.err, new RegExp(`^coveyd: .*${limit} .*at least ${LIMIT}.*\n$`));
            assert.ok(before.equals(fs.readFileSync(path.join(node.dir, 'record.db'))), `${limit}: the record was touched`);
        }
    },

    'a crowd at every door leaves record and peers their descriptors': async (cluster) => {
        const { relay, other, node, space } = await school(cluster, limited(LIMIT));
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        assert.equal((await ask(node, 'GET', '/api/status', { agent })).status, 200);
        const everybody = [...await crowd(node.port), ...await crowd(Number(/\d+$/.exec(node.ready.web)[0]))];
        await until('the last of each are turned away', () => everybody[CROWD - 1].gone && everybody.at(-1).gone);

        await add(other, space, 'While they stand there');
        await arrived(node, 'While they stand there');
        const list = (await ask(node, 'GET', '/api/priorities', { agent })).body;
        assert.ok(JSON.stringify(list).includes('While they stand there'));
        const body = { space, title: 'Written then', why: 'x' };
        assert.equal((await ask(node, 'POST', '/api/priorities', { agent, body })).status, 200);
        await arrived(other, 'Written then');
        assert.equal(told(node), 0, 'it ran out');

        for (const socket of everybody) socket.destroy();
        agent.destroy();
        await add(node, space, 'Afterwards');
        await cluster.converged(space, [other, node], [relay]);
    },
    'none left: what is there goes on, and who waits is let in as they come free': async (cluster) => {
        const trace = path.join(cluster.dir, 'trace');
        const { relay, other, node, space } = await school(cluster, limited(LIMIT, ...traced(trace)));
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const write = (title) => ask(node, 'POST', '/api/priorities', { agent, body: { space, title, why: 'x' } });
        const read = () => ask(node, 'GET', '/api/priorities', { agent });

        assert.equal((await write('Before')).status, 200);
        await run('prlimit', ['--pid', String(node.child.pid), `--nofile=${LOWERED}`]);
        const begun = Date.now();
        const everybody = await crowd(node.port);
        const late = ask(node, 'GET', '/api/status');
        await until('both doors have none to give', () => told(node) === 2);

        // The record has what it needs to write, not what a first read opens.
        await add(other, space, 'While there are none');
        await arrived(node, 'While there are none');
        assert.equal((await write('Meanwhile')).status, 200);
        await arrived(other, 'Meanwhile');
        const refused = await read();
        assert.equal(refused.status, 503);
        assert.deepEqual(refused.body, { error: { code: 'busy', text: 'too many files and connections are open: try again' } });

        // One goes, one that waits comes in, and so on; its carrier goes, too.
        await relay.stop();
        for (const socket of everybody.slice(0, 5)) {
            const { some } = accepted(trace);
            socket.destroy();
            await until('the next is let in', () => accepted(trace).some > some);
        }
        await relay.start();
        const { none } = accepted(trace);
        const most = 2 * (2 + (Date.now() - begun) / REST_MS);
        assert.ok(none > 2 && none <= most, `${none} tries in vain, at most ${most} are due`);
        assert.equal(told(node), 2, 'told again');

        for (const socket of everybody) socket.destroy();
        assert.equal((await late).status, 200);
        assert.equal((await read()).status, 200);
        agent.destroy();
        await add(node, space, 'Afterwards');
        await cluster.converged(space, [other, node], [relay]);
        assert.equal(await node.stop(), 0);
    },
};
