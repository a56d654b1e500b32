// Every misuse gets a sentence that says what is wrong and what to do, the
// right exit code, and changes nothing.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster, COVEYD, run, until } from '../support/cluster.js';
import { H } from '../vectors/primitives.js';

const HERE = fileURLToPath(import.meta.url);
const SKIP = 77; // exit code of the part that runs apart: not possible here
const MEGABYTE = 1 << 20;

// All that a refused command must leave as it is.
async function state(node) {
    const { spaces, altered } = await node.json(['status']);
    const lists = [['space', 'list'], ['priority', 'list'], ['action', 'list'], ['peer', 'list']];
    const all = await Promise.all(lists.map((l) => node.json(l)));
    const peers = all.pop().map((p) => p.key);
    return JSON.stringify([spaces, altered, all, peers]);
}

// What a folder holds, byte for byte.  (The lock is no part of it.)
function contents(dir) {
    if (!fs.existsSync(dir)) return 'none';
    const hash = (name) => crypto.createHash('sha256').update(fs.readFileSync(path.join(dir, name))).digest('hex');
    return JSON.stringify(fs.readdirSync(dir).filter((n) => !/^lock$|-shm$|-wal$/.test(n)).sort().map((n) => [n, hash(n)]));
}

// For people: no bare code of the machine's, more than a word.
function sentence(text, words) {
    assert.match(text, words);
    assert.ok(text.trim().length > 15, `too short: ${text}`);
    assert.doesNotMatch(text, /SQLITE_|errno|0x[0-9a-f]{4}|\.c:\d|undefined|\(null\)/);
}

// The same command with and without --json: code, words, nothing on stdout.
async function says(node, args, code, words, options) {
    const r = await node.try(args, options);
    assert.equal(r.code, code, `covey ${args.join(' ').slice(0, 100)}: exit ${r.code}: ${r.err}`);
    assert.equal(r.out, '');
    sentence(r.err, words);
    const j = await node.try([...args, '--json'], options);
    assert.equal(j.code, code);
    assert.equal(j.out, '');
    const { error } = JSON.parse(j.err.trim().split('\n').at(-1));
    assert.match(error.code, /^[a-z-]+$/);
    sentence(error.text, words);
}

async function refused(node, args, code, words, options) {
    const before = await state(node);
    await says(node, args, code, words, options);
    assert.equal(await state(node), before, `something changed: covey ${args.join(' ').slice(0, 100)}`);
}

// coveyd ends by itself with this code and these words, and its folder is as
// it was.
async function dies(node, code, words, more = []) {
    const before = contents(node.dir);
    const r = await run(COVEYD, ['--data', node.dir, ...more], { timeout: 20000 });
    assert.equal(r.code, code, `coveyd ${more.join(' ')}: exit ${r.code}: ${r.err}`);
    assert.equal(r.out, '', 'it said that it is ready');
    sentence(r.err, words);
    assert.equal(contents(node.dir), before, 'it changed its folder');
}

// A ticket changed and checked anew, as only somebody who means it does.
function forged(ticket, change) {
    const bytes = Buffer.from(ticket.slice('covey1'.length), 'base64url');
    change(bytes);
    H('covey/1 ticket', bytes.subarray(0, -4)).copy(bytes, bytes.length - 4, 0, 4);
    return `covey1${bytes.toString('base64url')}`;
}

function ask(node, method, route, body) {
    return new Promise((resolve, reject) => {
        const socketPath = path.join(node.dir, 'covey.sock');
        const r = http.request({ socketPath, method, path: route }, (answer) => {
            let text = '';
            answer.on('data', (d) => { text += d; });
            answer.on('end', () => resolve({ status: answer.statusCode, error: JSON.parse(text).error }));
        });
        r.on('error', reject);
        r.end(body);
    });
}

async function refusedByApi(node, status, words, body) {
    const before = await state(node);
    const answer = await ask(node, 'POST', '/api/actions', body);
    assert.equal(answer.status, status);
    sentence(answer.error.text, words);
    assert.equal(await state(node), before);
}

// ---- a full disk, in a mount namespace of its own

// All that fits, to the last byte.
function fill(file) {
    const fd = fs.openSync(file, 'a');
    try {
        for (let size = 65536; size > 0; size >>= 1) {
            try {
                for (;;) fs.writeSync(fd, Buffer.alloc(size));
            } catch (e) {
                if (e.code !== 'ENOSPC') throw e;
            }
        }
    } finally {
        fs.closeSync(fd);
    }
}

async function fullDisk(cluster, small) {
    const a = cluster.node('Ashbrook Lower', { listen: true });
    const b = cluster.node('Rivermead Middle');
    b.dir = path.join(small, 'b');
    await cluster.up(a, b);
    const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
    await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
    await b.covey(['action', 'add', '--space', space, '--title', 'before']);
    await cluster.converged(space, [a, b]);
    const add = (title) => ['action', 'add', '--space', space, '--title', title, '--note', 'n'.repeat(20000)];

    fill(path.join(small, 'filler'));
    const full = /disk.*full.*make room/;
    for (let i = 0; i < 3; i++) await refused(b, add(`full ${i}`), 1, full);
    await refused(b, ['sql', `INSERT INTO action(space, title, note) VALUES('${space}', 'x', printf('%20000d', 1))`], 1, full);
    for (let i = 0; i < 20; i++) await a.covey(add(`from the peer ${i}`));
    assert.deepEqual((await b.json(['action', 'list'])).map((x) => x.title), ['before']);
    assert.equal(await b.stop(), 0);
    await b.start();
    assert.deepEqual((await b.json(['action', 'list'])).map((x) => x.title), ['before']);

    fs.rmSync(path.join(small, 'filler'));
    await b.covey(add('after'));
    await until('all are there', async () => (await b.json(['action', 'list'])).length === 22);
    await cluster.converged(space, [a, b]);
    assert.equal((await b.sqlite('PRAGMA integrity_check')).out.trim(), 'ok');
}

async function runFullDisk() {
    const cluster = new Cluster();
    const small = path.join(cluster.dir, 'small');
    fs.mkdirSync(small);
    if ((await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small])).code !== 0) return SKIP;
    try {
        await fullDisk(cluster, small);
        return 0;
    } catch (e) {
        console.error(e.stack, ...cluster.nodes.map((n) => n.errors.slice(-2000)));
        return 1;
    } finally {
        await cluster.end({ keep: true });
        await run('umount', [small]);
        fs.rmSync(cluster.dir, { recursive: true, force: true });
    }
}

// ---- the tests

export default {
    'tickets: mistyped, used, for a space one is in, for none': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle');
        const c = cluster.node('Highdown Upper');
        await cluster.up(a, b, c);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        const ticket = await a.line(['invite', space]);
        const typo = ticket.slice(0, 40) + (ticket[40] === 'A' ? 'B' : 'A') + ticket.slice(41);
        await refused(b, ['join', typo], 1, /mistyped: copy the whole line/);
        await refused(b, ['join', ticket.slice(0, -9)], 1, /cut short/);
        await refused(b, ['join', 'covey1'], 1, /ticket/);
        await refused(b, ['join', 'hello'], 1, /not a covey ticket.*covey1/);
        await refused(b, ['join'], 2, /TICKET/);
        await refused(b, ['join', forged(ticket, (t) => t.writeUInt32BE(9999, 81)), '--wait', '20'], 1, /expired; ask the chair for a new one/);
        await refused(b, ['join', forged(ticket, (t) => { t[0] = 2; })], 1, /newer version.*upgrade/);
        await b.covey(['join', ticket, '--wait', '30']);
        await refused(b, ['join', ticket], 1, /member of that space already/);
        await refused(b, ['join', await a.line(['invite', space])], 1, /member of that space already/);
        await refused(a, ['join', ticket], 1, /member of that space already/);
        await refused(c, ['join', ticket], 1, /somebody else in already; ask the chair/);
        await refused(b, ['invite', space], 1, /chair|reach|listen/);
        await refused(a, ['invite', space, '--role', 'partner'], 1, /partner/);
        // Another door's secret, another space: nobody lets it in.
        const other = await a.line(['invite', space]);
        for (const at of [1, 17]) await refused(c, ['join', forged(other, (t) => { t[at] ^= 1; }), '--wait', '1'], 1, /goes on/);
        assert.deepEqual((await c.json(['status'])).spaces, []);
        await c.covey(['join', other, '--wait', '30']);
    },

    'ids, spaces, dates and words that are not': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        await cluster.up(a);
        const space = await a.line(['space', 'create', 'Cluster']);
        const id = await a.line(['action', 'add', '--space', space, '--title', 'One']);
        const none = `${id.slice(0, 38)}${id.endsWith('00') ? '11' : '00'}`;
        const add = ['action', 'add', '--space', space, '--title'];
        for (const where of [['action', 'list', '--space'], ['log'], ['invite'], ['member', 'list'], ['space', 'show'], ['space', 'requests']])
            for (const name of ['Nowhere', '0'.repeat(32)]) await refused(a, [...where, name], 1, new RegExp(`"${name}" is not a space here; there are: Cluster`));
        for (const bad of ['abc', `g${id.slice(1)}`, `${id}0`, '']) await refused(a, ['action', 'show', bad], 2, /ID|id of 40 hex digits/);
        await refused(a, ['action', 'show', none], 1, /no such/);
        await refused(a, ['action', 'delete', none], 1, /no such row/);
        await refused(a, ['priority', 'show', id], 1, /no such/);
        await refused(a, ['comment', 'add', none, 'hello'], 1, /no such row/);
        await refused(a, ['comment', 'add', id, ''], 1, /text is empty/);
        await refused(a, ['share', id, 'Nowhere'], 1, /is not a space here/);
        await refused(a, [...add, 'x', '--due', '2027-02-30'], 1, /30 February 2027 does not exist/);
        await refused(a, [...add, 'x', '--due', '2027-13-01'], 1, /no month 13/);
        for (const day of ['tomorrow', '27-01-01', '2027/01/01', '2027-1-1']) await refused(a, [...add, 'x', '--due', day], 2, /YYYY-MM-DD/);
        await refused(a, [...add, ''], 1, /title is empty/);
        await refused(a, [...add, 'x', '--owner', 'Nobody'], 1, /"Nobody" is not a member.*Ashbrook Lower/);
        await refused(a, ['action', 'set', id, '--status', 'finished'], 2, /open, in progress, blocked, done or cancelled/);
        await refused(a, ['action', 'set', id], 2, /say what to set/);
        await refused(a, ['nonsense'], 2, /no verb "nonsense".*--help/);
        await refused(a, ['action', 'add', '--space', space], 2, /--title TEXT is missing/);
        await refused(a, [...add, 'x', '--colour', 'red'], 2, /colour/);
        await refused(a, ['peer', 'add', 'abc@localhost:1'], 1, /64 hex digits/);
        await refused(a, ['peer', 'add', await a.line(['address'])], 1, /own address/);
        await refused(a, ['space', 'carrier', space, 'nonsense'], 1, /KEY@HOST:PORT/);
        await refused(a, ['space', 'admit', space, '99'], 1, /no such request/);
        await refused(a, ['wait', space, '--frontier', '[{"author":"x"}]', '--timeout', '1'], 2, /frontier/);
    },

    'a title of 1 MB, bytes that are not UTF-8': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        await cluster.up(a);
        const space = await a.line(['space', 'create', 'Cluster']);
        const id = await a.line(['action', 'add', '--space', space, '--title', 'One']);
        const add = ['action', 'add', '--space', space, '--title'];
        const huge = { input: 'x'.repeat(MEGABYTE) };
        await refused(a, [...add, 'x'.repeat(201)], 1, /title.*201 characters.*200/);
        await refused(a, [...add, 'x'.repeat(100000)], 1, /title.*200/);
        await refused(a, [...add, '-'], 1, /title has 1048576 bytes and may have at most/, huge);
        await refused(a, ['comment', 'add', id, '-'], 1, /1048576 bytes/, huge);
        await refused(a, ['sql', '-'], 1, /at most/, { input: `UPDATE action SET title = '${huge.input}'` });
        await refused(a, [...add, '-'], 2, /not UTF-8/, { input: Buffer.from([0x63, 0x61, 0x66, 0xe9]) });
        await refused(a, [...add, '-'], 2, /zero byte/, { input: 'a\0b' });
        const raw = `exec "$0" --data "$1" action add --space ${space} --title $'caf\\xe9' $2`;
        const before = await state(a);
        for (const json of ['', '--json']) {
            const r = await run('bash', ['-c', raw, path.join(path.dirname(COVEYD), 'covey'), a.dir, json]);
            assert.equal(r.code, 2);
            sentence(json ? JSON.parse(r.err).error.text : r.err, /not UTF-8 text: set the terminal/);
        }
        const shell = await run('sqlite3', [path.join(a.dir, 'record.db')], { input: `UPDATE action SET title = '${huge.input}';` });
        sentence(shell.err, /longer than 200 characters: shorten it/);
        assert.equal(await state(a), before);
        const title = (text) => Buffer.concat([Buffer.from(`{"space":"${space}","title":"`), Buffer.from(text, 'latin1'), Buffer.from('"}')]);
        await refusedByApi(a, 409, /200 characters/, title('x'.repeat(900000)));
        await refusedByApi(a, 413, /larger than 1 MiB/, title(huge.input));
        await refusedByApi(a, 400, /not UTF-8/, title('\xff\xfe'));
        for (const body of ['hello', '[]', '', '{"title":', '['.repeat(100000)]) await refusedByApi(a, 400, /JSON object/, body);
        await refusedByApi(a, 400, /no field "nope"/, `{"space":"${space}","title":"x","nope":1}`);
    },

    'an ambiguous name exits 2 and lists whom it may mean': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Saint Mary', { init: ['--urn', '900006'] });
        const c = cluster.node('Saint Mary', { init: ['--urn', '900007'] });
        c.dir += '-2';
        await cluster.up(a, b, c);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        for (const n of [b, c]) await n.covey(['join', await a.line(['invite', space]), '--wait', '30']);
        await cluster.converged(space, [a, b, c]);
        const add = ['action', 'add', '--space', space, '--title', 'x', '--owner'];
        for (const member of [b.member, c.member]) await refused(a, [...add, 'Saint Mary'], 2, new RegExp(member));
        await refused(a, ['priority', 'add', '--space', space, '--title', 'x', '--why', 'w', '--lead', 'Saint Mary'], 2, /900006.*900007|900007.*900006/s);
        const ids = [await a.line([...add, '900007']), await a.line([...add, c.member])];
        for (const id of ids) assert.equal((await a.json(['action', 'show', id])).owner, c.member);
        await a.line(['space', 'create', 'Cluster']);
        await refused(a, ['action', 'list', '--space', 'Cluster'], 2, new RegExp(space));
    },

    'keys and record: none, one without the other, damaged, open to others': async (cluster) => {
        const a = cluster.node('Ashbrook Lower');
        const keys = path.join(a.dir, 'keys');
        const db = path.join(a.dir, 'record.db');
        await says(a, ['status'], 1, /no record in.*init/);
        await dies(a, 1, /no record in.*init/);
        await says(a, ['init'], 2, /--name NAME is missing/);
        await says(a, ['init', '--name', 'x'.repeat(121)], 2, /1 to 120/);
        assert.ok(!fs.existsSync(a.dir), 'a folder was made for nothing');
        await a.create();
        const made = contents(a.dir);
        await says(a, ['init', '--name', 'Again'], 1, /holds a record already/);
        await says(a, ['action', 'list'], 1, /no daemon is running.*coveyd --data/);
        for (const mode of [0o644, 0o640, 0o604, 0o622]) {
            fs.chmodSync(keys, mode);
            await dies(a, 1, /keys can be (read|written) by others.*chmod 600/);
        }
        fs.chmodSync(keys, 0o600);
        fs.renameSync(keys, `${keys}.away`);
        await dies(a, 1, /record but no keys: put the file back/);
        await says(a, ['init', '--name', 'Again'], 1, /no keys/);
        fs.writeFileSync(keys, fs.readFileSync(`${keys}.away`).subarray(0, 99), { mode: 0o600 });
        await dies(a, 1, /keys is damaged: put back a copy/);
        fs.renameSync(`${keys}.away`, keys);
        fs.renameSync(db, `${db}.away`);
        await dies(a, 1, /keys but no record.db: put the record back/);
        await says(a, ['init', '--name', 'Again'], 1, /no record.db/);
        fs.writeFileSync(db, 'no database, but words\n'.repeat(400));
        await dies(a, 74, /record.db/);
        fs.renameSync(`${db}.away`, db);
        assert.equal(contents(a.dir), made);
        const b = cluster.node('Rivermead Middle');
        await b.create();
        fs.copyFileSync(path.join(b.dir, 'keys'), keys);
        await dies(a, 1, /do not belong together/);
    },

    'a record of a newer version': async (cluster) => {
        const a = cluster.node('Ashbrook Lower');
        await a.create();
        await a.start();
        await a.covey(['action', 'add', '--title', 'One']);
        const before = await state(a);
        await a.stop();
        const version = (await a.sqlite('PRAGMA user_version')).out.trim();
        await a.sqlite('PRAGMA user_version = 9999');
        await dies(a, 1, /newer version of covey.*install the newer version/);
        assert.equal((await a.sqlite('PRAGMA user_version')).out.trim(), '9999');
        await a.sqlite(`PRAGMA user_version = ${version}`);
        await a.start();
        assert.equal(await state(a), before);
    },

    'two daemons, a port in use, options and a path too long': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        await cluster.up(a);
        const r = await run(COVEYD, ['--data', a.dir], { timeout: 20000 });
        assert.equal(r.code, 1);
        sentence(r.err, /another coveyd runs.*stop it first/);
        await refused(a, ['init', '--name', 'Again'], 1, /already/);
        const holder = net.createServer().listen(0, '127.0.0.1');
        await new Promise((resolve) => holder.once('listening', resolve));
        const { port } = holder.address();
        const b = cluster.node('Rivermead Middle');
        await b.create();
        await dies(b, 1, /in use/, ['--listen', `127.0.0.1:${port}`]);
        await dies(b, 1, /in use/, ['--listen', '127.0.0.1:0', '--web', `127.0.0.1:${port}`]);
        holder.close();
        await dies(b, 2, /ADDR:PORT/, ['--listen', 'nonsense']);
        await dies(b, 2, /other machines/, ['--web', '0.0.0.0:0']);
        await dies(b, 2, /64 hex digits/, ['--dial', 'x@y:1']);
        await dies(b, 2, /no option --nonsense/, ['--nonsense']);
        await b.start();
        await b.kill();
        await says(b, ['status'], 1, /no daemon is running/);
        await b.start();
        const c = cluster.node('Highdown Upper');
        c.dir = path.join(cluster.dir, 'x'.repeat(60), 'y'.repeat(60));
        fs.mkdirSync(path.dirname(c.dir));
        const made = await c.try(['init', '--name', 'Highdown Upper']);
        if (made.code === 0) await dies(c, 1, /107/);
        else sentence(made.err, /107/);
        await says(c, ['status'], 1, /107.*shorter name/);
    },

    'a full disk: reading goes on, writing says so, and goes on with room': async () => {
        const r = await run('unshare', ['--mount', '--propagation', 'private', process.execPath, HERE, '--full-disk'], { timeout: 180000 });
        if (r.code === SKIP || /^unshare: /.test(r.err)) console.log('      skipped: only root may mount a small disk to fill');
        else assert.equal(r.code, 0, r.err);
    },
};

if (process.argv[1] === HERE && process.argv[2] === '--full-disk') process.exit(await runFullDisk());
