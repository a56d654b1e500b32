// A plain SQL write is a write: by `covey sql` and by Debian's sqlite3 shell,
// while the daemon runs and while it is stopped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { run, until } from '../support/cluster.js';

async function pair(cluster) {
    const a = cluster.node('Ashbrook Lower', { listen: true });
    const b = cluster.node('Rivermead Middle');
    await cluster.up(a, b);
    const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
    await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
    return { a, b, space };
}

const add = (node, space, title) => node.line(['action', 'add', '--space', space, '--title', title]);
const titles = async (node, space) => (await node.json(['action', 'list', '--space', space])).map((x) => x.title).sort();
const arrives = (node, space, want) =>
    until(`${node.name} has ${want}`, async () => JSON.stringify(await titles(node, space)) === JSON.stringify([...want].sort()));

async function refused(node, statement, words) {
    const before = JSON.stringify(await node.json(['action', 'list']));
    const shell = await node.sqlite(statement);
    assert.notEqual(shell.code, 0, `sqlite3 took: ${statement}`);
    assert.match(shell.err, words);
    const r = await node.try(['sql', statement]);
    assert.equal(r.code, 1, `covey sql took: ${statement}`);
    assert.match(r.err, words);
    assert.equal(JSON.stringify(await node.json(['action', 'list'])), before);
}

export default {
    'covey sql and the sqlite3 shell are writers like any other': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        await add(a, space, 'one');
        await a.covey(['sql', "UPDATE action SET title = 'two' WHERE title = 'one'"]);
        await arrives(b, space, ['two']);
        let r = await b.sqlite("UPDATE action SET status = 'done', title = 'three' WHERE title = 'two'");
        assert.equal(r.err, '');
        await arrives(a, space, ['three']);
        await b.stop();
        r = await b.sqlite(`BEGIN; UPDATE action SET title = 'four'; INSERT INTO priority(space, title, why) VALUES('${space}', 'P', 'W'); COMMIT`);
        assert.equal(r.err, '');
        await b.start();
        await arrives(a, space, ['four']);
        await until('the priority too', async () => (await a.json(['priority', 'list', '--space', space])).length === 1);
        await cluster.converged(space, [a, b]);
    },

    'INSERT with a made id, REPLACE, UPSERT, IGNORE and DELETE without WHERE': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'first');
        const made = id.slice(0, 24) + '00112233445566aa';
        const insert = (what, rest) => a.sqlite(`INSERT ${what} INTO action(id, space, title) VALUES('${made}', '${space}', '${rest[0]}') ${rest[1] || ''}`);
        assert.equal((await insert('', ['made'])).err, '');
        await arrives(b, space, ['first', 'made']);
        assert.equal((await insert('OR REPLACE', ['replaced'])).err, '');
        await arrives(b, space, ['first', 'replaced']);
        assert.equal((await insert('', ['upserted', 'ON CONFLICT(id) DO UPDATE SET title = excluded.title'])).err, '');
        await arrives(b, space, ['first', 'upserted']);
        assert.equal((await insert('', ['nothing', 'ON CONFLICT(id) DO NOTHING'])).err, '');
        assert.equal((await insert('OR IGNORE', ['ignored'])).err, '');
        assert.deepEqual(await titles(a, space), ['first', 'upserted']);
        await cluster.converged(space, [a, b]);
        const before = (await a.space(space)).change_sets;
        assert.equal((await insert('OR IGNORE', ['ignored'])).err, '');
        assert.equal((await a.sqlite('DELETE FROM action')).err, '');
        await arrives(b, space, []);
        await cluster.converged(space, [a, b]);
        assert.equal((await a.space(space)).change_sets, before + 1, 'what came to nothing was sealed');
    },

    'what the rules forbid is refused in words and changes nothing': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const id = await add(a, space, 'one');
        await arrives(b, space, ['one']);
        await refused(a, `UPDATE action SET id = '${id.slice(0, 39)}0' || '' WHERE id = '${id}' AND 'x' <> substr(id, 40)`, /never changes/);
        await refused(a, `UPDATE action SET space = NULL WHERE id = '${id}'`, /stays in the space/);
        await refused(b, `INSERT INTO action(id, space, title) VALUES('${id.slice(0, 24)}0011223344556677', '${space}', 'mine?')`, /member|tag|id/);
        await refused(a, `UPDATE action SET due = '2027-02-30'`, /due/);
        await refused(a, `INSERT INTO action(space, title) VALUES('00112233445566778899aabbccddeeff', 'x')`, /space/);
        await refused(a, `UPDATE action SET title = ''`, /title/);
        for (const s of ['SELECT * FROM space_key', 'PRAGMA user_version', "ATTACH 'x' AS y", 'DROP TABLE action']) {
            const r = await a.try(['sql', s]);
            assert.equal(r.code, 1, s);
            assert.match(r.err, /shared tables/);
        }
    },

    'a client that sits in BEGIN IMMEDIATE is named, and waited for': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const shell = spawn('sqlite3', [path.join(a.dir, 'record.db')]);
        const said = new Promise((resolve) => shell.stdout.once('data', resolve));
        shell.stdin.write("BEGIN IMMEDIATE; SELECT 'locked';\n");
        await said;
        const writing = add(a, space, 'waits');
        await until('status names it', async () => (await a.json(['status'])).locked_s !== null);
        shell.stdin.end('ROLLBACK;\n');
        await writing;
        await arrives(b, space, ['waits']);
        assert.equal((await a.json(['status'])).locked_s, null);
    },

    'two programs write at once and the record stays whole': async (cluster) => {
        const { a, b, space } = await pair(cluster);
        const sql = Array.from({ length: 150 }, (_, i) => `INSERT INTO action(space, title) VALUES('${space}', 'shell ${i}');`).join('\n');
        const shell = run('sqlite3', ['-cmd', '.timeout 20000', path.join(a.dir, 'record.db')], { input: sql });
        for (let i = 0; i < 40; i++) await add(a, space, `command ${i}`);
        assert.equal((await shell).err, '');
        await until('all sealed', async () => (await a.space(space)).rows === 190);
        await cluster.converged(space, [a, b]);
        assert.equal((await a.sqlite('PRAGMA integrity_check')).out.trim(), 'ok');
    },
};
