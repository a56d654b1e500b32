// Who is in, by which way, and what their role lets them write.
import assert from 'node:assert/strict';
import { until } from '../support/cluster.js';

const TITLE = 'Only for this school';

export default {
    'a relay carries what its keeper allows, and only then': async (cluster) => {
        const relay = cluster.node('Council Relay', { listen: true, init: ['--kind', 'council'] });
        const a = cluster.node('Ashbrook Lower');
        await cluster.up(relay, a);
        const space = await a.line(['space', 'create', 'Cluster']);
        await a.covey(['space', 'carrier', space, await relay.line(['address'])]);
        const [asked] = await until('it is listed', async () => {
            const list = await relay.json(['carry', 'list']);
            return list.length > 0 && list;
        });
        assert.equal(asked.state, 'waiting');
        assert.equal(asked.space, space);
        assert.equal((await a.space(space)).carriers, 0);
        await relay.covey(['carry', 'allow', space]);
        await until('it carries', async () => (await a.space(space)).carriers === 1);
        await a.covey(['priority', 'add', '--space', space, '--title', 'T', '--why', 'W']);
        await cluster.converged(space, [a], [relay]);
    },

    'a relay invited as carrier holds the space and reads nothing': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const relay = cluster.node('Council Relay', { init: ['--kind', 'council'] });
        await cluster.up(a, relay);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        await a.covey(['priority', 'add', '--space', space, '--title', 'Before', '--why', 'W']);
        assert.equal(await relay.line(['join', await a.line(['invite', space, '--role', 'carrier']), '--wait', '30']), space);
        await cluster.converged(space, [a], [relay]);
        const s = await relay.space(space);
        assert.deepEqual([s.name, s.rows, s.change_sets], [null, 0, 1]);
        assert.deepEqual(relay.find(['Before']), []);
    },

    'the council reads and comments where it is invited, and writes nothing else': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const council = cluster.node('The Council', { init: ['--kind', 'council'] });
        await cluster.up(a, council);
        const made = await council.try(['space', 'create', 'Theirs']);
        assert.equal(made.code, 1);
        assert.match(made.err, /led by schools/);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        const id = await a.line(['priority', 'add', '--space', space, '--title', 'T', '--why', 'W']);
        await council.covey(['join', await a.line(['invite', space, '--role', 'council']), '--wait', '30']);
        assert.equal((await council.json(['priority', 'show', id])).title, 'T');
        const refused = await council.try(['priority', 'set', id, '--title', 'Ours']);
        assert.equal(refused.code, 1);
        assert.match(refused.err, /role/);
        await council.covey(['comment', 'add', id, 'We can help with transport.']);
        await until('the comment', async () => (await a.json(['comment', 'list', id])).length === 1);
        const [comment] = await a.json(['comment', 'list', id]);
        assert.equal(comment.author_name, 'The Council');
        const r = await a.sqlite(`UPDATE comment SET text = 'mine' WHERE id = '${comment.id}'`);
        assert.match(r.err, /member that wrote it/);
        assert.equal((await a.try(['invite', space, '--role', 'partner'])).code, 1);
    },

    'a private row never leaves, until a copy of it is shared': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle');
        await cluster.up(a, b);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
        const mine = await a.line(['priority', 'add', '--title', TITLE, '--why', 'W']);
        await a.covey(['priority', 'add', '--space', space, '--title', 'For all', '--why', 'W']);
        await cluster.converged(space, [a, b]);
        assert.equal((await b.json(['priority', 'list'])).length, 1);
        assert.deepEqual(b.find([TITLE]), []);
        const copy = await a.line(['share', mine, 'Cluster']);
        assert.notEqual(copy, mine);
        await cluster.converged(space, [a, b]);
        const shared = await b.json(['priority', 'show', copy]);
        assert.deepEqual([shared.title, shared.source], [TITLE, mine]);
        assert.equal((await a.json(['priority', 'show', mine])).space, null);
    },

    'wait answers when a frontier is held, and says when it is not': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle');
        await cluster.up(a, b);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
        await b.stop();
        await a.covey(['priority', 'add', '--space', space, '--title', 'T', '--why', 'W']);
        const frontier = JSON.stringify((await a.space(space)).frontier);
        await a.kill();
        await b.start();
        const late = await b.try(['wait', space, '--frontier', frontier, '--timeout', '1']);
        assert.equal(late.code, 1);
        const waiting = b.covey(['wait', space, '--frontier', frontier, '--timeout', '60']);
        await a.start();
        await waiting;
        assert.equal((await b.space(space)).rows, 1);
    },
};
