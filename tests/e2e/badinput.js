// Every misuse gets a sentence that says what is wrong and what to do, the
// right exit code, and changes nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { COVEYD, COVEY, run } from '../support/cluster.js';

const state = async (node) => {
    const { spaces } = await node.json(['status']);
    return JSON.stringify(spaces.map((s) => [s.id, s.epoch, s.rows, s.digest, s.change_sets]));
};

// A sentence: not empty, no stack, no SQL error code, says something to do.
function sentence(text, words) {
    assert.match(text, words);
    assert.ok(text.trim().length > 15, `too short: ${text}`);
    assert.doesNotMatch(text, /SQLITE_|0x[0-9a-f]{4}|at .*\.c:\d/);
}

async function refused(node, args, code, words) {
    const before = await state(node);
    const r = await node.try(args);
    assert.equal(r.code, code, `covey ${args.join(' ').slice(0, 100)}: exit ${r.code}: ${r.err}`);
    assert.equal(r.out, '');
    sentence(r.err, words);
    const j = await node.try([...args, '--json']);
    assert.equal(j.code, code);
    const { error } = JSON.parse(j.err);
    assert.ok(error.code && error.text, `no error object: ${j.err}`);
    assert.equal(await state(node), before, 'something changed');
}

async function dies(node, code, words) {
    const args = ['--data', node.dir, ...(node.extra || [])];
    const r = await run(COVEYD, args, { timeout: 10000 });
    assert.equal(r.code, code, `coveyd: exit ${r.code}: ${r.err}`);
    sentence(r.err, words);
}

export default {
    'tickets: mistyped, used, for a space one is in': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle');
        const c = cluster.node('Highdown Upper');
        await cluster.up(a, b, c);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        const ticket = await a.line(['invite', space]);
        const wrong = ticket.slice(0, 40) + (ticket[40] === 'A' ? 'B' : 'A') + ticket.slice(41);
        const other = (await state(b));
        assert.equal((await b.try(['join', wrong])).code !== 0, true);
        sentence((await b.try(['join', wrong])).err, /ticket/);
        sentence((await b.try(['join', 'covey1'])).err, /ticket/);
        sentence((await b.try(['join', ticket.slice(0, -9)])).err, /ticket/);
        assert.equal(await state(b), other);
        await b.covey(['join', ticket, '--wait', '30']);
        await refused(b, ['join', ticket], 1, /member of that space already/);
        await refused(c, ['join', ticket], 1, /somebody else/);
    },

    'what is typed wrong at a school': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        await cluster.up(a);
        const space = await a.line(['space', 'create', 'Cluster']);
        const id = await a.line(['action', 'add', '--space', space, '--title', 'One']);
        const add = ['action', 'add', '--space', space, '--title'];
        await refused(a, ['action', 'add', '--space', 'Nowhere', '--title', 'x'], 1, /Nowhere|space/);
        await refused(a, ['action', 'show', 'abc'], 2, /id/);
        await refused(a, ['action', 'show', `${id.slice(0, 38)}00`], 1, /no such/);
        await refused(a, [...add, 'x', '--due', '2027-02-30'], 1, /2027|February|day/);
        await refused(a, [...add, 'x', '--due', 'tomorrow'], 2, /date|day|YYYY/);
        await refused(a, [...add, ''], 1, /title/);
        await refused(a, [...add, 'x'.repeat(100000)], 1, /title|200/);
        await refused(a, ['action', 'set', id, '--status', 'finished'], 2, /status|open/);
        await refused(a, ['nonsense'], 2, /nonsense/);
        await refused(a, ['action', 'add', '--space', space], 2, /title/);
        const raw = await run('bash', ['-c', `"${COVEY}" --data "${a.dir}" action add --space ${space} --title $'caf\\xe9'`]);
        assert.equal(raw.code, 2);
        sentence(raw.err, /UTF-8/);
        const big = path.join(cluster.dir, 'big.sql');
        fs.writeFileSync(big, `UPDATE action SET title = '${'y'.repeat(1 << 20)}'`);
        const shell = await run('sqlite3', [path.join(a.dir, 'record.db')], { input: fs.readFileSync(big) });
        assert.match(shell.err, /200 characters|192 KiB/);
        assert.equal((await a.json(['action', 'show', id])).title, 'One');
    },

    'an ambiguous name exits 2 and lists whom it may mean': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Saint Mary', { init: ['--urn', '900006'] });
        const c = cluster.node('Saint Mary', { init: ['--urn', '900007'] });
        c.dir += '-2';
        await cluster.up(a, b, c);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        for (const n of [b, c]) await n.covey(['join', await a.line(['invite', space]), '--wait', '30']);
        const r = await a.try(['action', 'add', '--space', space, '--title', 'x', '--owner', 'Saint Mary']);
        assert.equal(r.code, 2);
        assert.ok(r.err.includes(b.member) && r.err.includes(c.member), r.err);
        await a.covey(['action', 'add', '--space', space, '--title', 'x', '--owner', '900007']);
    },

    'folders that are not as they should be': async (cluster) => {
        const a = cluster.node('Ashbrook Lower');
        const noDaemon = await a.try(['status']);
        assert.equal(noDaemon.code, 1);
        sentence(noDaemon.err, /record|init/);
        await dies(a, 1, /record|init|folder/);
        await a.create();
        const again = await a.try(['init', '--name', 'Again']);
        assert.equal(again.code, 1);
        sentence(again.err, /already/);
        sentence((await a.try(['status'])).err, /coveyd/);
        const keys = path.join(a.dir, 'keys');
        const db = path.join(a.dir, 'record.db');
        fs.chmodSync(keys, 0o644);
        await dies(a, 1, /keys.*(others|chmod|mode)/s);
        fs.chmodSync(keys, 0o600);
        fs.renameSync(keys, `${keys}.away`);
        await dies(a, 1, /keys/);
        fs.renameSync(`${keys}.away`, keys);
        fs.renameSync(db, `${db}.away`);
        await dies(a, 1, /record/);
        assert.ok(!fs.existsSync(db), 'an empty record was made');
        fs.renameSync(`${db}.away`, db);
        await run('sqlite3', [db, 'PRAGMA user_version = 9999']);
        await dies(a, 1, /newer/);
        await run('sqlite3', [db, 'PRAGMA user_version = 2']);
    },

    'two daemons, a port in use, a path too long': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        await cluster.up(a);
        await dies(a, 1, /already|runs|running/);
        const holder = net.createServer().listen(0, '127.0.0.1');
        await new Promise((resolve) => holder.once('listening', resolve));
        const b = cluster.node('Rivermead Middle');
        await b.create();
        b.extra = ['--listen', `127.0.0.1:${holder.address().port}`];
        await dies(b, 1, /use/);
        holder.close();
        const c = cluster.node('Highdown Upper');
        c.dir = path.join(cluster.dir, 'x'.repeat(60), 'y'.repeat(60));
        fs.mkdirSync(path.dirname(c.dir), { recursive: true });
        const made = await c.try(['init', '--name', 'Highdown Upper']);
        if (made.code === 0) await dies(c, 1, /107|long/);
        else sentence(made.err, /107|long/);
        sentence((await c.try(['status'])).err, /107|long|record/);
        const misused = await run(COVEYD, ['--data', a.dir, '--nonsense']);
        assert.equal(misused.code, 2);
        sentence(misused.err, /nonsense/);
    },

    'a full disk: reading goes on, writing says so, and goes on with room': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const mounted = fs.mkdirSync(path.join(cluster.dir, 'small'), { recursive: true });
        const mount = await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]);
        if (mount.code !== 0) {
            console.log('      skipped: no right to mount a small disk here');
            return;
        }
        try {
            a.dir = path.join(mounted, 'a');
            await a.create();
            await a.start();
            const space = await a.line(['space', 'create', 'Cluster']);
            const one = await a.line(['priority', 'add', '--space', space, '--title', 'One', '--why', 'w']);
            fs.writeFileSync(path.join(mounted, 'filler'), Buffer.alloc(1 << 22)).toString();
        } catch (e) {
            if (e.code !== 'ENOSPC') throw e;
        }
        try {
            const list = () => a.json(['priority', 'list']);
            const r = await a.try(['priority', 'add', '--title', 'Two', '--why', 'x'.repeat(19000)]);
            assert.equal(r.code, 1);
            sentence(r.err, /full|room|space/);
            assert.equal((await list()).length, 1);
            fs.rmSync(path.join(mounted, 'filler'));
            await a.covey(['priority', 'add', '--title', 'Two', '--why', 'y']);
            assert.equal((await list()).length, 2);
        } finally {
            await a.kill();
            await run('umount', [mounted]);
        }
    },
};
