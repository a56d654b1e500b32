// What the command line prints for people: every verb that reads, the changes
// as they happen, help for each group of verbs, and where a record is found.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { COVEY, form, run, until } from '../support/cluster.js';

const ENV = { env: { TZ: 'UTC', LC_ALL: 'C.UTF-8' } };

async function prints(node, args) {
    const { out, err } = await node.covey(args, ENV);
    assert.equal(err, '');
    return out;
}

// The columns of a table, by the words that head it: two spaces part them.
function cells(text) {
    const [head, ...rows] = text.trimEnd().split('\n');
    const from = [...head.matchAll(/\S+(?: \S+)*/g)].map((m) => [m[0], m.index]);
    return rows.map((row) => Object.fromEntries(from.map(([name, at], i) => [name, row.slice(at, from[i + 1]?.[1]).trim()])));
}

// `covey watch`, with what it printed so far; killed at the end of the test.
function watch(node, ...options) {
    const child = spawn(COVEY, ['--data', node.dir, ...options, 'watch'], { env: { ...process.env, ...ENV.env } });
    const w = { child, out: '', err: '' };
    child.stdout.on('data', (d) => (w.out += d));
    child.stderr.on('data', (d) => (w.err += d));
    w.ended = new Promise((resolve) => child.on('close', resolve));
    return w;
}

// A stream has no answer of its own: it is open once a write is told in it.
async function opened(node, space, ...watches) {
    let number = 0;
    await until('the watches are open', async () => {
        await node.covey(['priority', 'add', '--space', space, '--title', `Number ${number++}`, '--why', 'W']);
        return watches.every((w) => w.out.includes('priority'));
    });
}

async function school(cluster) {
    const a = cluster.node('Sandy Upper School', { init: ['--urn', '900004'] });
    await cluster.up(a);
    return { a, space: await a.line(['space', 'create', 'North cluster']) };
}

export default {
    'a row is shown whole, with what was said about it and who wrote it': async (cluster) => {
        const { a, space } = await school(cluster);
        const id = await a.line(['priority', 'add', '--space', 'North cluster', '--title', 'Reading at 11', '--why', 'Few read',
            '--principle', 'P4', '--principle', 'P1', '--lead', '900004']);
        const shown = await prints(a, ['priority', 'show', id.toUpperCase()]);
        for (const line of [/^Title +Reading at 11$/m, /^Principles +P1 P4$/m, /^Lead +Sandy Upper School$/m, /^Space +North cluster$/m,
            /^Begun +\d+ \w+ 20\d\d, \d\d:\d\d, by Sandy Upper School$/m, new RegExp(`^Id +${id}$`, 'm')]) assert.match(shown, line);
        assert.match(await prints(a, ['comment', 'list', id]), /^Nobody has said anything/);
        const comment = await a.line(['comment', 'add', id, '-'], { input: 'We can host this.\n' });
        const said = await prints(a, ['comment', 'list', id]);
        assert.match(said, new RegExp(`^Sandy Upper School, .* ${comment}\n  We can host this.$`, 'm'));
        await a.covey(['priority', 'set', id, '--title', 'Reading at eleven']);
        const action = await a.line(['action', 'add', '--space', space, '--priority', id, '--title', 'Pair teachers', '--owner', 'sandy upper school', '--due', '2026-12-18']);
        assert.match(await prints(a, ['action', 'show', action]), /^Due +18 December 2026$/m);
        const [row] = cells(await prints(a, ['action', 'list', '--priority', id]));
        assert.deepEqual([row.Title, row.Status, row.Owner, row.Due, row.Space, row.Id],
            ['Pair teachers', 'open', 'Sandy Upper School', '18 December 2026', 'North cluster', action]);
        const log = await prints(a, ['log', 'North cluster']);
        assert.deepEqual([...log.matchAll(/change set (\d+) /g)].map((m) => m[1]), ['1', '2', '3', '4']);
        assert.match(log, new RegExp(`wrote priority ${id}: title, why,\\s+principles, lead`));
        assert.match(log, new RegExp(`changed priority ${id}: title\n`));
        const its = await prints(a, ['log', space, '--row', comment.toUpperCase()]);
        assert.equal(its.match(/change set/g).length, 1);
        assert.match(its, new RegExp(`wrote comment ${comment}: on_row, text`));
        await a.covey(['comment', 'add', id, 'Gone soon']);
        await a.covey(['priority', 'delete', id]);
        assert.match(await prints(a, ['log', space]), new RegExp(`deleted priority ${id}`));
        assert.deepEqual(await a.json(['priority', 'list']), []);
    },

    'a space, its members and the peers are listed for people': async (cluster) => {
        const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'] });
        const { a, space } = await school(cluster);
        const b = cluster.node('Ashbrook Lower');
        await cluster.up(relay, b);
        assert.match(await prints(a, ['status']), /Nothing needs attention\.[^]*Peers\nThis node knows no other/);
        assert.match(await prints(a, ['log', space]), /^Nothing was written yet/);
        await a.covey(['space', 'carrier', space, await relay.line(['address'])]);
        const ticket = await a.line(['invite', space, '--role', 'school']);
        const left = await b.covey(['join', `${ticket.slice(0, 40)}\n ${ticket.slice(40)}`]);
        assert.match(left.err, /the chair has to admit it/);
        const [request] = await until('it asks', async () => {
            const list = cells(await prints(a, ['space', 'requests', space]));
            return list.length > 0 && list;
        });
        assert.equal(request.Name, 'Ashbrook Lower');
        await a.covey(['space', 'admit', space, (await a.json(['space', 'requests', space]))[0].request.toString()]);
        await until('it is in', async () => (await b.space(space))?.members === 2);
        const members = cells(await prints(a, ['member', 'list', space])).map((m) => [m.Name, m.Role, m['Still in']]);
        assert.deepEqual(members.sort(), [['Ashbrook Lower', 'school', 'yes'], ['Sandy Upper School', 'chair', 'yes']]);
        assert.match(await prints(a, ['space', 'show', space]), /^Members +2$/m);
        await until('it is connected', async () => /Peers\n[^]*\bconnected\b/.test(await prints(a, ['status'])));
        assert.match(await prints(a, ['peer', 'list']), /\bconnected\b/);
        await relay.stop();
        await until('it is gone', async () => /Needs attention:\n +- no other node is connected/.test(await prints(a, ['status'])));
        assert.equal(await b.line(['peer', 'add', `${'ab'.repeat(32)}@127.0.0.1:9`]), 'ab'.repeat(32));
        assert.ok(cells(await prints(b, ['peer', 'list'])).length >= 2);
    },

    'two edits side by side are both shown, with who wrote them': async (cluster) => {
        const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'] });
        const a = cluster.node('Ashbrook Lower');
        const b = cluster.node('Birchfield Middle');
        await cluster.up(relay, a, b);
        const space = await form(a, relay, [b]);
        const id = await a.line(['priority', 'add', '--space', space, '--title', 'Before', '--why', 'W']);
        await cluster.converged(space, [a, b], [relay]);
        await relay.stop();
        for (const node of [a, b]) await until('apart', async () => !(await node.json(['peer', 'list'])).some((p) => p.state === 'connected'));
        await a.covey(['priority', 'set', id, '--title', 'As Ashbrook says']);
        await b.covey(['priority', 'set', id, '--title', 'As Birchfield says']);
        await relay.start();
        await cluster.converged(space, [a, b], [relay]);
        for (const node of [a, b]) {
            const shown = await prints(node, ['priority', 'show', id]);
            const [top, kept] = shown.split(/^In conflict: .*$/m);
            const [first, second] = /^Title +As Ashbrook/m.test(top) ? ['Ashbrook', 'Birchfield'] : ['Birchfield', 'Ashbrook'];
            assert.match(top, new RegExp(`^Title +As ${first} says$`, 'm'));
            assert.match(kept, new RegExp(`^Title +As ${second} says - ${second} (Lower|Middle), \\d`, 'm'));
            assert.match(await prints(node, ['status']), /Needs attention:\n +- Cluster: 1 /);
        }
    },

    'a watch tells each change as it happens, until the daemon ends': async (cluster) => {
        const { a, space } = await school(cluster);
        const people = watch(a);
        const machine = watch(a, '--json');
        const stopped = watch(a);
        try {
            await opened(a, space, people, machine, stopped);
            stopped.child.kill('SIGTERM');
            assert.equal(await stopped.ended, 0);
            const id = await a.line(['priority', 'add', '--space', space, '--title', 'T', '--why', 'W']);
            await a.covey(['priority', 'set', id, '--title', 'U']);
            await a.covey(['priority', 'delete', id]);
            for (const word of ['written', 'changed', 'deleted']) await until(word, () => people.out.includes(`priority ${word} ${id}  North cluster\n`));
            const events = () => machine.out.trim().split('\n').map((line) => JSON.parse(line)).filter((e) => e.id === id);
            await until('all are told', () => events().length === 3);
            assert.deepEqual(events().map((e) => [e.space, e.table, e.change]), ['insert', 'update', 'delete'].map((change) => [space, 'priority', change]));
            await a.stop();
            assert.equal(await people.ended, 1);
            assert.match(people.err, /covey: .{15}/);
            assert.equal(await machine.ended, 1);
            assert.match(JSON.parse(machine.err.trim().split('\n').at(-1)).error.text, /.{15}/);
        } finally {
            for (const w of [people, machine, stopped]) w.child.kill('SIGKILL');
        }
    },

    'SQL is a grid for people and rows for programs': async (cluster) => {
        const { a } = await school(cluster);
        await a.covey(['priority', 'add', '--title', 'Räume', '--why', 'W']);
        const select = 'SELECT title, 1.5 AS half, 12 AS whole, NULL AS none FROM priority';
        assert.deepEqual(cells(await prints(a, ['sql', select])), [{ title: 'Räume', half: '1.5', whole: '12', none: '' }]);
        assert.deepEqual((await a.json(['sql', select])).rows, [['Räume', 1.5, 12, null]]);
        assert.equal(await prints(a, ['sql', 'SELECT title FROM priority WHERE 0']), 'title\n');
        assert.equal(await prints(a, ['sql', "UPDATE priority SET why = 'x'"]), '1 row changed\n');
        const r = await a.try(['sql', 'SELECT title FROM']);
        assert.equal(r.code, 1);
        assert.match(r.err, /incomplete|syntax/);
    },

    'help says what each verb takes, and what is no verb': async (cluster) => {
        const bare = (args) => run(COVEY, args, ENV);
        const all = (await bare(['--help'])).out;
        const verbs = [...all.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map((m) => m[1]);
        assert.ok(verbs.length > 25, all);
        for (const verb of verbs) {
            const r = await bare([...verb.split(' '), '--help']);
            assert.equal(r.code, 0, verb);
            assert.ok(r.out.startsWith(`usage: covey ${verb}`), r.out);
            for (const line of r.out.split('\n')) assert.ok(line.length <= 100, line);
        }
        for (const group of ['priority', 'space', 'carry']) {
            const r = await bare([group, '--help']);
            assert.equal(r.code, 0);
            for (const verb of verbs.filter((v) => v.startsWith(`${group} `))) assert.ok(r.out.includes(`  ${verb} `), r.out);
            const misused = await bare([group]);
            assert.equal(misused.code, 2);
            assert.match(misused.err, new RegExp(`covey ${group} --help`));
        }
        for (const args of [['--data'], ['--data', ''], ['--nonsense', 'status'], ['priority', 'paint'], ['statuss'], []]) {
            const r = await bare(args);
            assert.equal(r.code, 2, args.join(' '));
            assert.match(r.err, /covey/);
        }
        assert.match((await bare(['--version'])).out, /^covey \d/);
        assert.match((await bare(['-h', '--json', 'status'])).out, /^usage: covey/);
    },

    'a record is made and found where its user keeps such things': async (cluster) => {
        const home = path.join(cluster.dir, 'home');
        fs.mkdirSync(home);
        const at = (env, ...args) => run(COVEY, args, { env: { COVEY_DATA: '', XDG_DATA_HOME: '', HOME: home, ...env } });
        const none = await at({}, 'status');
        assert.equal(none.code, 1);
        const made = await at({}, '--json', 'init', '--name', 'Ashbrook Lower');
        assert.equal(made.code, 0, made.err);
        assert.match(JSON.parse(made.out).member, /^[0-9a-f]{64}$/);
        assert.match(made.err, /recovery code: /);
        assert.ok(fs.existsSync(path.join(home, '.local/share/covey/record.db')));
        const share = path.join(home, 'share');
        assert.equal((await at({ XDG_DATA_HOME: share }, 'init', '--name', 'B')).code, 0);
        assert.ok(fs.existsSync(path.join(share, 'covey/record.db')));
        const twice = await at({ COVEY_DATA: path.join(share, 'covey') }, '--json', 'init', '--name', 'C');
        assert.equal(twice.code, 1);
        assert.match(JSON.parse(twice.err).error.text, /holds a record already/);
        fs.writeFileSync(path.join(home, 'file'), '');
        const wrong = await at({ HOME: path.join(home, 'file') }, 'init', '--name', 'D');
        assert.equal(wrong.code, 1);
        assert.match(wrong.err, /could not be made/);
        assert.equal((await at({ HOME: '' }, 'status')).code, 2);
    },
};
