// A plain SQL write is a write: by `covey sql` and by Debian's sqlite3 shell,
// while the daemon runs and while it is stopped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { run, until } from '../support/cluster.js';

const WAL_MOST = 8 << 20; // bytes; a checkpoint is due at 500 pages, 2 MiB

async function pair(cluster) {
    const a = cluster.node('Ashbrook Lower', { listen: true });
    const b = cluster.node('Rivermead Middle');
    await cluster.up(a, b);
    const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
    await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
    return { a, b, space };
}

const add = (node, space, title) => node.line(['action', 'add', '--space', space, '--title', title]);
const list = (node, space) => node.json(['action', 'list', '--space', space]);
const titles = async (node, space) => (await list(node, space)).map((x) => x.title).sort();
const arrives = (node, space, want) =>
    until(`${node.name} has ${want}`, async () => JSON.stringify(await titles(node, space)) === JSON.stringify([...want].sort()));

// The sqlite3 shell, which must succeed and say nothing.
async function shell(node, statement) {
    const r = await node.sqlite(statement);
    assert.deepEqual([r.code, r.err], [0, ''], `sqlite3 at ${node.name}: ${statement}: ${r.err}`);
    return r.out.trim();
}

// All that a refused write must leave as it is.
async function state(node) {
    const { spaces } = await node.json(['status']);
    return JSON.stringify([spaces, await node.json(['action', 'list']), await node.json(['priority', 'list'])]);
}

// Refused in words by both, and nothing has changed.
async function refused(node, statement, words) {
    const before = await state(node);
    const outside = await node.sqlite(statement);
    assert.notEqual(outside.code, 0, `sqlite3 took: ${statement}`);
    assert.match(outside.err, words);
    await refusedHere(node, statement, words);
    assert.equal(await state(node), before, `it changed something: ${statement}`);
}

async function refusedHere(node, statement, words) {
    const r = await node.try(['sql', statement]);
    assert.equal(r.code, 1, `covey sql took: ${statement}`);
    assert.equal(r.out, '');
    assert.match(r.err, words);
    const { error } = JSON.parse((await node.try(['sql', statement, '--json'])).err);
    assert.ok(error.code.length > 0);
    assert.match(error.text, words);
}

// A sqlite3 shell that sits in a transaction, once it has the write lock.
async function sitter(node, statements = '') {
    const child = spawn('sqlite3', ['-cmd', '.timeout 20000', path.join(node.dir, 'record.db')]);
    const said = new Promise((resolve) => child.stdout.once('data', resolve));
    child.ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.write(`BEGIN IMMEDIATE; ${statements} SELECT 'locked';\n`);
    await said;
    return child;
}

const locked = (node) => until('status names it', async () => (await node.json(['status'])).locked_s !== null);

export default {
    'covey sql and the sqlite3 shell are writers like any other': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'one');
        await a.covey(['sql', `UPDATE action SET status = 'done' WHERE id = '${id}'`]);
        await until('done at the peer', async () => (await list(b, space))[0]?.status === 'done');
        await shell(b, `UPDATE action SET status = 'blocked', title = 'two' WHERE id = '${id}'`);
        await arrives(a, space, ['two']);
        assert.equal((await list(a, space))[0].status, 'blocked');
        await b.stop();
        await shell(b, "UPDATE action SET title = 'three'");
        await shell(b, `INSERT INTO action(space, title) VALUES('${space}', 'stopped')`);
        await a.covey(['sql', "UPDATE action SET status = 'done' WHERE title = 'two'"]);
        await b.start();
        await arrives(a, space, ['three', 'stopped']);
        await cluster.converged(space, [a, b]);
        const both = (await list(b, space)).find((x) => x.id === id);
        assert.deepEqual([both.title, both.status], ['three', 'done']);
    },

    'INSERT with a made id, REPLACE, UPSERT, IGNORE and DELETE without WHERE': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'first');
        const made = `${id.slice(0, 24)}00112233445566aa`;
        const insert = (what, title, rest = '') =>
            shell(a, `INSERT ${what} INTO action(id, space, title) VALUES('${made}', '${space}', '${title}') ${rest}`);
        await insert('', 'made');
        await arrives(b, space, ['first', 'made']);
        await insert('OR REPLACE', 'replaced');
        await arrives(b, space, ['first', 'replaced']);
        await insert('', 'upserted', 'ON CONFLICT(id) DO UPDATE SET title = excluded.title');
        await arrives(b, space, ['first', 'upserted']);
        await cluster.converged(space, [a, b]);
        const before = (await a.space(space)).change_sets;
        await insert('', 'nothing', 'ON CONFLICT(id) DO NOTHING');
        await insert('OR IGNORE', 'ignored');
        await shell(a, 'UPDATE action SET title = title, status = status');
        await shell(a, `BEGIN; INSERT INTO action(space, title) VALUES('${space}', 'brief'); DELETE FROM action WHERE title = 'brief'; COMMIT`);
        await shell(a, 'DELETE FROM action');
        await arrives(b, space, []);
        await cluster.converged(space, [a, b]);
        assert.equal((await a.space(space)).change_sets, before + 1, 'what came to nothing was sealed');
        await insert('', 'again');
        await arrives(b, space, ['again']);
        await shell(b, `INSERT OR REPLACE INTO action(id, space, title) VALUES('${made}', '${space}', 'replaced by another')`);
        await arrives(a, space, ['replaced by another']);
        await cluster.converged(space, [a, b]);
    },

    'REPLACE takes no other row away unseen': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'first');
        const second = await add(a, space, 'second');
        await arrives(b, space, ['first', 'second']);
        const other = `${id.slice(0, 24)}00112233445566aa`;
        const rowid = async (row) => shell(a, `SELECT rowid FROM action WHERE id = '${row}'`);
        const [one, two] = [await rowid(id), await rowid(second)];
        await refused(a, `INSERT OR REPLACE INTO action(rowid, id, space, title) VALUES(${one}, '${other}', '${space}', 'x')`, /rowid/);
        await refused(a, `REPLACE INTO action(_rowid_, id, space, title) VALUES(${one}, '${second}', '${space}', 'x')`, /rowid/);
        await refused(a, `UPDATE OR REPLACE action SET rowid = ${one} WHERE rowid = ${two}`, /rowid/);
        assert.deepEqual(await titles(a, space), ['first', 'second']);
        await cluster.converged(space, [a, b]);
    },

    'what the rules forbid is refused in words and changes nothing': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'one');
        await arrives(b, space, ['one']);
        await cluster.converged(space, [a, b]);
        const tail = (n) => `${id.slice(0, 24)}00112233445566${n}`;
        await refused(a, `UPDATE action SET id = '${tail('00')}'`, /id never changes/);
        await refused(a, 'UPDATE action SET space = NULL', /stays in the space/);
        await refused(a, `UPDATE action SET space = '${'0'.repeat(32)}'`, /stays in the space/);
        await refused(a, `INSERT OR REPLACE INTO action(id, title) VALUES('${id}', 'private now')`, /stays in the space/);
        await refused(b, `INSERT INTO action(id, space, title) VALUES('${tail('77')}', '${space}', 'mine?')`, /another member's tag/);
        await refused(a, `INSERT INTO action(id, space, title) VALUES('abc', '${space}', 'x')`, /40 digits/);
        await refused(a, "UPDATE action SET due = '2027-02-30'", /due is not a day/);
        await refused(a, "UPDATE action SET status = 'finished'", /status is none of: open/);
        await refused(a, "INSERT INTO action(space, title) VALUES('00112233445566778899aabbccddeeff', 'x')", /no space of this school/);
        await refused(a, "UPDATE action SET title = ' '", /title is empty/);
        await refused(a, `UPDATE action SET title = '${'x'.repeat(201)}'`, /longer than 200 characters/);
        await refused(a, "UPDATE action SET owner = 'Rivermead'", /not a member's id/);
        await refused(a, `UPDATE action SET source = '${id}'`, /set once/);
        await cluster.converged(space, [a, b]);
    },

    'covey sql keeps to the shared tables and the views': async (cluster) => {
        const { a, space } = await pair(cluster);
        await add(a, space, 'one');
        const before = await state(a);
        const outside = ['SELECT * FROM space_key', 'SELECT * FROM sqlite_schema', 'PRAGMA user_version', 'PRAGMA wal_autocheckpoint = 0',
            `ATTACH '${path.join(cluster.dir, 'x.db')}' AS y`, 'DROP TABLE action', 'CREATE TABLE x(y)', 'CREATE TEMP TABLE x(y)',
            "UPDATE self SET name = 'x'", 'DELETE FROM outbox', 'BEGIN IMMEDIATE', 'COMMIT', 'SAVEPOINT s', "SELECT load_extension('x')"];
        for (const statement of outside) await refusedHere(a, statement, /shared tables.*views.*is not one of them/);
        for (const statement of ['', 'SELECT 1; SELECT 2', "UPDATE action SET title = 'x'; DELETE FROM action"])
            await refusedHere(a, statement, /one statement at a time/);
        await refusedHere(a, 'SELEC', /syntax error/);
        assert.equal(await state(a), before, 'something changed');
        assert.ok(!fs.existsSync(path.join(cluster.dir, 'x.db')));
        const { rows } = await a.json(['sql', 'SELECT name FROM spaces']);
        assert.deepEqual(rows, [['Cluster']]);
        assert.equal((await a.json(['sql', 'SELECT count(*) FROM members'])).rows[0][0], 2);
    },

    'a transaction over several tables arrives as one, or not at all': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'one');
        await arrives(b, space, ['one']);
        const priority = (title) => `INSERT INTO priority(space, title, why) VALUES('${space}', '${title}', 'w');`;
        const comment = `INSERT INTO comment(space, on_row, text) VALUES('${space}', '${id}', 'seen');`;
        await shell(a, `BEGIN; ${priority('P')} UPDATE action SET title = 'two'; ${comment} COMMIT`);
        await arrives(b, space, ['two']);
        assert.equal((await b.json(['priority', 'list', '--space', space])).length, 1);
        assert.equal((await b.json(['comment', 'list', id])).length, 1);
        const { rows } = (await b.json(['log', space])).at(-1);
        assert.deepEqual(rows.map((r) => r.table).sort(), ['action', 'comment', 'priority'], 'it is not one change set');

        await cluster.converged(space, [a, b]);
        const before = await state(a);
        await shell(a, `BEGIN; ${priority('Q')} DELETE FROM action; DELETE FROM comment; ROLLBACK`);
        const dir = path.join(a.dir, 'record.db');
        const r = await run('sqlite3', ['-bail', '-cmd', '.timeout 20000', dir, `BEGIN; ${priority('Q')} UPDATE action SET title = ''; COMMIT`]);
        assert.match(r.err, /title is empty/);
        assert.equal(await state(a), before, 'half a transaction stayed');
    },

    'a client that sits in BEGIN IMMEDIATE is named, and waited for': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const other = await sitter(a, `INSERT INTO action(space, title) VALUES('${space}', 'the shell');`);
        const writes = [add(a, space, 'waits'), a.covey(['sql', `INSERT INTO action(space, title) VALUES('${space}', 'waits too')`]), a.line(['invite', space])];
        const theirs = await add(b, space, 'from the peer');
        await locked(a);
        assert.match((await a.covey(['status'])).out, /another program.*locked/);
        assert.deepEqual(await titles(a, space), [], 'reading goes on, and sees what is committed');
        other.stdin.end('COMMIT;\n');
        await Promise.all(writes);
        const all = ['the shell', 'waits', 'waits too', 'from the peer'];
        await arrives(a, space, all);
        await arrives(b, space, all);
        assert.ok((await list(a, space)).some((x) => x.id === theirs));
        await until('status is calm', async () => (await a.json(['status'])).locked_s === null);
        await cluster.converged(space, [a, b]);
    },

    'a client that dies in its transaction, a stop and a start beside one': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const ghost = await sitter(a, `INSERT INTO action(space, title) VALUES('${space}', 'ghost');`);
        const writing = add(a, space, 'waits');
        await locked(a);
        ghost.kill('SIGKILL');
        await writing;
        await arrives(b, space, ['waits']);

        const other = await sitter(a);
        const cut = a.try(['action', 'add', '--space', space, '--title', 'cut off']);
        await locked(a);
        assert.equal(await a.stop(), 0);
        assert.equal((await cut).code, 1, 'it was told that a write went well which never was made');
        await a.start();
        const late = add(a, space, 'after the start');
        await locked(a);
        other.stdin.end('ROLLBACK;\n');
        await late;
        await arrives(b, space, ['waits', 'after the start']);
        await cluster.converged(space, [a, b]);
    },

    'two programs write at once and the record stays whole': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const note = 'n'.repeat(3000);
        const insert = (i) => `INSERT INTO action(space, title, note) VALUES('${space}', 'shell ${i}', '${note}');`;
        const input = Array.from({ length: 300 }, (_, i) => insert(i)).join('\n');
        const others = [a, b].map((n) => run('sqlite3', ['-cmd', '.timeout 20000', path.join(n.dir, 'record.db')], { input }));
        for (let i = 0; i < 40; i++) await add(i % 2 ? a : b, space, `command ${i}`);
        for (const r of await Promise.all(others)) assert.equal(r.err, '');
        await until('all sealed and sent', async () => (await a.space(space)).rows === 640);
        await cluster.converged(space, [a, b]);
        for (const n of [a, b]) {
            assert.equal((await n.sqlite('PRAGMA integrity_check')).out.trim(), 'ok');
            const wal = fs.statSync(path.join(n.dir, 'record.db-wal')).size;
            assert.ok(wal < WAL_MOST, `no checkpoint has run: the WAL has ${wal} bytes`);
        }
    },
};
