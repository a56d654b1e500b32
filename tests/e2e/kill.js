// kill -9 of any node at random, again and again, mostly while something is
// being written or sent.  Nothing whose id was printed may be lost, no number
// may have two hashes, and all must be equal in the end.
//
// KILLS=200 SEED=1 for the full run.
import assert from 'node:assert/strict';
import { form, until } from '../support/cluster.js';

const KILLS = Number(process.env.KILLS || 24);
const SEED = Number(process.env.SEED || Date.now() % 1000000);

// A small seeded generator, so that a run can be told again.
function generator(seed) {
    let s = seed >>> 0 || 1;
    return (sides) => {
        s ^= s << 13;
        s >>>= 0;
        s ^= s >>> 17;
        s ^= s << 5;
        s >>>= 0;
        return s % sides;
    };
}

// One write at a school, whose id is kept if it was printed.
function write(world, school) {
    const title = `Written ${world.written++}`;
    world.flying++;
    return school
        .try(['priority', 'add', '--space', world.space, '--title', title, '--why', 'kill test'])
        .then((r) => {
            world.flying--;
            if (r.code === 0) world.told.set(r.out.trim(), title);
        });
}

// Write at a school, one after the other, until told to stop.
async function keepWriting(world, school, until) {
    while (!until.stop && school.running) await write(world, school);
}

async function oneKill(world, dice) {
    const target = world.nodes[dice(world.nodes.length)];
    const until = { stop: false };
    const school = target === world.relay || dice(3) === 0 ? world.schools[dice(3)] : target;
    const writer = dice(8) === 0 ? null : keepWriting(world, school, until);
    // A moment of its own choosing to die at: not a wait for something.
    await new Promise((resolve) => setTimeout(resolve, dice(60)));
    if (world.flying > 0) world.inFlight++;
    const ended = await target.kill();
    assert.equal(ended, 'SIGKILL', `${target.name} did not die of the kill`);
    world.kills++;
    until.stop = true;
    await writer;
    await target.start();
}

async function checkLogs(world) {
    const hashes = new Map();
    for (const s of world.schools) {
        for (const e of await s.json(['log', world.space], { timeout: 120000 })) {
            const key = `${e.author} ${e.incarnation} ${e.number}`;
            assert.equal(hashes.get(key) ?? e.hash, e.hash, `two change sets with one number: ${key}`);
            hashes.set(key, e.hash);
        }
    }
    return hashes.size;
}

export default {
    [`${KILLS} kills at random lose nothing (SEED=${SEED})`]: async (cluster) => {
        const dice = generator(SEED);
        const relay = cluster.node('Council Relay', { listen: true, args: ['--carry-all'], init: ['--kind', 'council'] });
        const schools = ['Ashbrook Lower', 'Rivermead Middle', 'Highdown Upper'].map((n, i) => cluster.node(n, { listen: i === 0 }));
        await cluster.up(relay, ...schools);
        const space = await form(schools[0], relay, schools.slice(1));
        const world = { relay, schools, nodes: [relay, ...schools], space, told: new Map(), written: 0, flying: 0, inFlight: 0, kills: 0 };

        while (world.kills < KILLS) await oneKill(world, dice);
        await until('every write is answered', () => world.flying === 0);
        await cluster.converged(space, schools, [relay], 400);
        for (const s of schools) {
            const held = new Map((await s.json(['priority', 'list', '--space', space])).map((p) => [p.id, p.title]));
            for (const [id, title] of world.told) assert.equal(held.get(id), title, `${s.name} lost ${title}`);
        }
        const changeSets = await checkLogs(world);
        console.log(`      ${world.kills} kills, ${world.inFlight} with a write in flight; ${world.told.size} of ${world.written} writes were told, none is lost; ${changeSets} change sets`);
        assert.ok(world.inFlight >= world.kills * 0.75, `only ${world.inFlight} kills hit a write in flight`);
    },
};
