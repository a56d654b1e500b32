// Three schools and a carrier, by the command line's fixed forms alone: written
// at each while others are down, everything the same afterwards, and nothing
// readable at the carrier.
import assert from 'node:assert/strict';
import { form } from '../support/cluster.js';

const TITLES = ['Reading at transfer', 'Attendance after half term', 'Maths in year 5'];

export default {
    'what is written while others are down reaches all': async (cluster) => {
        const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'], init: ['--kind', 'council'] });
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle');
        const c = cluster.node('Highdown Upper');
        await cluster.up(relay, a, b, c);
        const space = await form(a, relay, [b, c]);
        const ids = [];

        await b.stop();
        ids.push(await a.line(['priority', 'add', '--space', space, '--title', TITLES[0], '--why', 'results']));
        await c.stop();
        await b.start();
        ids.push(await b.line(['priority', 'add', '--space', space, '--title', TITLES[1], '--why', 'absence']));
        await a.stop();
        await c.start();
        ids.push(await c.line(['priority', 'add', '--space', space, '--title', TITLES[2], '--why', 'gap']));
        await relay.kill();
        await c.covey(['action', 'add', '--space', space, '--priority', ids[2], '--title', 'Visit each other', '--due', '2027-03-01']);
        await a.start();
        await relay.start();

        const { digest } = await cluster.converged(space, [a, b, c], [relay]);
        assert.match(digest, /^[0-9a-f]{32}$/);
        for (const n of [a, b, c]) {
            const list = await n.json(['priority', 'list', '--space', space]);
            assert.deepEqual(list.map((p) => p.title).sort(), [...TITLES].sort());
            assert.equal((await n.space(space)).rows, 4);
        }
        const carried = await relay.space(space);
        assert.equal(carried.rows, 0);
        assert.equal(carried.name, null);
        assert.equal(carried.digest, null);

        assert.deepEqual(relay.find(TITLES), [], 'the carrier holds a title in the clear');
        assert.deepEqual(a.find(TITLES).length, TITLES.length, 'the search itself does not find');
        await relay.stop();
        assert.deepEqual(relay.find(TITLES), [], 'the stopped carrier holds a title in the clear');
        assert.ok(!relay.find([a.name]).length, 'the carrier knows a school by name');
    },

    'two pinned nodes that share nothing only know each other': async (cluster) => {
        const a = cluster.node('Ashbrook Lower', { listen: true });
        const b = cluster.node('Rivermead Middle', { listen: true });
        await cluster.up(a, b);
        await a.covey(['peer', 'add', await b.line(['address'])]);
        await b.covey(['peer', 'add', await a.line(['address'])]);
        const space = await a.line(['space', 'create', 'Alone']);
        await a.covey(['priority', 'add', '--space', space, '--title', 'Ours', '--why', 'ours']);
        const { until } = await import('../support/cluster.js');
        await until('connected', async () => (await a.json(['peer', 'list'])).some((p) => p.state === 'connected'));
        assert.deepEqual((await b.json(['status'])).spaces, []);
    },
};
