// Frames that nobody should send, thousands of them: before the handshake they
// get silence and a counter, after it a CLOSE with a reason; never a crash, and
// no growth.  Noise is npm's noise-handshake, not our own.
//
// FRAMES=10000 for the full run: so many before it, and so many after it.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { until } from '../support/cluster.js';
import { decode, encode } from '../vectors/msgpack.js';
import { H, dhKeyOf, dhKeyPair } from '../vectors/primitives.js';

const require = createRequire(import.meta.url);
const FRAMES = Number(process.env.FRAMES || 2000);
const MODE = Buffer.from([1]);
const PROLOGUE = Buffer.concat([Buffer.from('covey/1'), MODE]);
const SECOND = 2 + 48; // bytes of frame 2 on the wire
const STRANGER_FRAME = 256;
const KIND = Object.fromEntries(['HELLO', 'PROVE', 'OFFER', 'EPOCHS', 'FRONTIER', 'BATCH', 'ACK', 'PING', 'PONG', 'REQUESTS', 'DOOR_LEAVE', 'DOOR_ANSWER', 'CARRY_ANSWER', 'CLOSE']
    .map((name, i) => [name, i + 1]));
// Codes of CLOSE that say whose fault it was: the other's, or too much of it.
const FAULTS = new Set([3, 4, 6, 7, 9]);
const GROWTH_MB = /san/.test(process.env.COVEY_BUILD || '') ? Infinity : 16;

const VECTORS = new URL('../vectors/messages.json', import.meta.url);
const SAMPLES = Object.entries(JSON.parse(fs.readFileSync(VECTORS))).map(([name, { body }]) => ({ kind: KIND[name], body: Buffer.from(body, 'hex') }));

function keyPair() {
    const { secret, key } = dhKeyPair();
    return { publicKey: key, secretKey: secret };
}

// A node's own keys, so that the test can be that node.
function keysOf(node) {
    const secretKey = Buffer.from(/^noise ([0-9a-f]{64})$/m.exec(fs.readFileSync(path.join(node.dir, 'keys'), 'utf8'))[1], 'hex');
    return { secretKey, publicKey: dhKeyOf(secretKey) };
}

const frame = (bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);

function begin(remote, self) {
    const Noise = require('noise-handshake');
    // Copies: noise-handshake wipes what it was given.
    const noise = new Noise('XK', true, { publicKey: Buffer.from(self.publicKey), secretKey: Buffer.from(self.secretKey) });
    noise.initialise(PROLOGUE, Buffer.from(remote));
    return { noise, first: frame(Buffer.concat([MODE, noise.send(Buffer.alloc(0))])) };
}

// ---- spoiling

const flip = (b) => { b[randomInt(b.length)] ^= 1 << randomInt(8); };
const WAYS = [
    (b) => { flip(b); return b; },
    (b) => { for (let i = 1 + randomInt(8); i > 0; i--) flip(b); return b; },
    (b) => { b[randomInt(Math.min(4, b.length))] ^= 1 + randomInt(255); return b; },
    (b) => b.subarray(0, randomInt(b.length)),
    (b) => Buffer.concat([b, randomBytes(1 + randomInt(40))]),
    (b) => Buffer.concat([b, randomBytes(1 + randomInt(60000))]),
    (b) => { const at = randomInt(b.length); return Buffer.concat([b.subarray(0, at), randomBytes(1 + randomInt(9)), b.subarray(at)]); },
    (b) => { const at = randomInt(b.length); return Buffer.concat([b.subarray(0, at), b.subarray(at + 1 + randomInt(9))]); },
    (b) => { const at = randomInt(b.length); b.subarray(at, at + 1 + randomInt(5)).fill([0, 255, 0xdd, 0xc6, 0x80][randomInt(5)]); return b; },
    (b) => { const at = randomInt(b.length); return Buffer.concat([b.subarray(0, at), b.subarray(at), b.subarray(at)]); },
    () => randomBytes(1 + randomInt(300)),
];

// One of many ways; the bytes are never the same afterwards.
function spoil(bytes) {
    for (;;) {
        const spoilt = WAYS[randomInt(WAYS.length)](Buffer.from(bytes));
        if (!spoilt.equals(bytes)) return spoilt;
    }
}

// ---- before the handshake

// Is there something in it that can be judged, or does it only break off?
function isWhole(bytes) {
    const size = bytes.length < 2 ? Infinity : bytes.readUInt16BE(0);
    return bytes.length >= 2 && (size > STRANGER_FRAME || bytes.length >= 2 + size);
}

// Send each of these once the one before is answered by so many bytes, hang up
// our half, and give all that came back.
function visit(port, first, andThen) {
    return new Promise((resolve) => {
        let back = Buffer.alloc(0);
        const s = net.connect(port, '127.0.0.1', () => (andThen ? s.write(first) : s.end(first)));
        s.on('data', (d) => {
            back = Buffer.concat([back, d]);
            if (andThen && back.length === SECOND) s.end(andThen(back.subarray(2)));
        });
        s.on('error', () => {});
        s.on('close', () => resolve(back));
    });
}

// A first frame that is spoilt gets nothing; a third gets nothing beyond the
// second.  Gives whether the daemon had something to count.
async function spoiltOpening(a, remote) {
    const { noise, first } = begin(remote, keyPair());
    if (randomInt(3) > 0) {
        const sample = randomInt(4) === 0 ? frame(Buffer.concat([Buffer.from([2]), randomBytes(64)])) : first;
        const bytes = spoil(sample);
        // Whatever stands behind a good first frame, that one is answered.
        const isGood = bytes.subarray(0, first.length).equals(first);
        const back = await visit(a.port, bytes);
        assert.ok(back.length <= (isGood ? SECOND : 0), `an answer came to ${bytes.toString('hex')}`);
        return !isGood && isWhole(bytes);
    }
    const back = await visit(a.port, first, (second) => {
        noise.recv(second);
        const third = frame(noise.send(Buffer.alloc(0)));
        return randomInt(4) === 0 ? third : spoil(third); // as it is: from nobody who is known here
    });
    assert.ok(back.length <= SECOND, `more than frame 2 came back: ${back.toString('hex')}`);
    return false;
}

// ---- after the handshake

// An opened session as who is known there.
class Session {
    constructor(port, remote, self) {
        const { noise, first } = begin(remote, self);
        Object.assign(this, { noise, bytes: Buffer.alloc(0), messages: [], part: Buffer.alloc(0), watchers: new Set() });
        this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
        this.socket.on('error', () => {});
        this.socket.on('data', (d) => { this.take(d); this.look(); });
        this.socket.on('close', () => { this.ended = true; this.look(); });
        this.socket.write(first);
    }

    take(d) {
        this.bytes = Buffer.concat([this.bytes, d]);
        for (;;) {
            const len = this.bytes.length < 2 ? Infinity : this.bytes.readUInt16BE(0);
            if (this.bytes.length < 2 + len) return;
            const one = this.bytes.subarray(2, 2 + len);
            this.bytes = this.bytes.subarray(2 + len);
            if (this.tx) this.takeFrame(this.rx.decrypt(one));
            else this.open(one);
        }
    }

    open(second) {
        const Cipher = require('noise-handshake/cipher');
        this.noise.recv(second);
        this.socket.write(frame(this.noise.send(Buffer.alloc(0))));
        this.tx = new Cipher(this.noise.tx);
        this.rx = new Cipher(this.noise.rx);
        this.hash = Buffer.from(this.noise.hash);
    }

    takeFrame(plain) {
        this.part = Buffer.concat([this.part, this.part.length ? plain.subarray(1) : plain]);
        if (plain[0] & 1) return;
        this.messages.push({ kind: this.part[1], body: this.part.subarray(2) });
        this.part = Buffer.alloc(0);
    }

    look() { for (const check of [...this.watchers]) check(); }

    // When something came or ended, and this is so: what it gives.
    when(what, look) {
        return new Promise((resolve, reject) => {
            const end = (done, value) => {
                clearTimeout(timer);
                this.watchers.delete(check);
                done(value);
            };
            const timer = setTimeout(() => end(reject, new Error(`not in 30 s: ${what}`)), 30000);
            const check = () => {
                const value = look();
                if (value) end(resolve, value);
                else if (this.ended) end(reject, new Error(`it closed before ${what}: ${this.reason()}`));
            };
            this.watchers.add(check);
            check();
        });
    }

    seal(plain) { return frame(this.tx.encrypt(plain)); }
    say(kind, body) { this.socket.write(this.seal(Buffer.concat([Buffer.from([0, kind]), body]))); }
    heard(kind) { return this.messages.find((m) => m.kind === kind)?.body; }

    hear(kind) { return this.when(`message ${kind}`, () => this.heard(kind)); }
    opened() { return this.when('the handshake', () => this.tx); }
    closed() { return this.when('the end', () => this.ended); }

    async hello() {
        await this.opened();
        this.say(KIND.HELLO, encode([1, 1, 'test', Date.now()]));
        await this.hear(KIND.HELLO);
    }

    // What the last word was, if it was a CLOSE.
    reason() {
        const last = this.messages.at(-1);
        return last?.kind === KIND.CLOSE ? decode(last.body) : null;
    }
}

// A CLOSE that can be read is answered by nothing.
function isClose(plain) {
    if (plain[0] !== 0 || plain[1] !== KIND.CLOSE) return false;
    try {
        const [code, text] = decode(plain.subarray(2));
        return Number.isInteger(code) && typeof text === 'string';
    } catch {
        return false;
    }
}

function spoiltMessage(samples) {
    for (;;) {
        const { kind, body } = samples[randomInt(samples.length)];
        const plain = spoil(Buffer.concat([Buffer.from([0, kind]), body]));
        if (plain.length < 65519 && !isClose(plain)) return plain;
    }
}

// Say something spoilt; what is passed over, or could be meant, is followed by
// a frame that does not open, so that it ends in any case.
async function sayAndEnd(session, samples, reasons) {
    const plain = spoiltMessage(samples);
    const bytes = session.seal(plain);
    const last = session.seal(Buffer.from([0, KIND.PING, 0x91, 7]));
    flip(last.subarray(2));
    if (randomInt(8) === 0) flip(bytes.subarray(2));
    session.socket.write(Buffer.concat([bytes, last]));
    await session.closed();
    const said = session.reason();
    assert.ok(said, `closed without a reason after ${plain.subarray(0, 400).toString('hex')}`);
    assert.ok(FAULTS.has(said[0]), `closed with ${said} after ${plain.subarray(0, 400).toString('hex')}`);
    const words = `${said[0]} ${said[1]}`.trim();
    reasons.set(words, (reasons.get(words) || 0) + 1);
}

async function spoiltStranger({ a, remote, self, reasons }) {
    const session = new Session(a.port, remote, self);
    await (randomInt(5) === 0 ? session.opened() : session.hello());
    await sayAndEnd(session, SAMPLES, reasons);
}

// ---- as a member

const blindOf = (session, space) => H('covey/1 blind', session.hash, Buffer.from(space, 'hex'), Buffer.from([0])).subarray(0, 16);

// Greet, and open the space: with the epoch that they have, or with none.
async function meet(port, remote, self, space, knowsEpoch) {
    const session = new Session(port, remote, self);
    await session.hello();
    session.blind = blindOf(session, space);
    const [, number, hash] = decode(await session.hear(KIND.OFFER));
    const none = Buffer.alloc(32);
    session.say(KIND.OFFER, encode([session.blind, knowsEpoch ? number : 0, knowsEpoch ? hash : none, none, true]));
    return session;
}

const EMPTY_FRONTIER = Buffer.from([1]);

// What the daemon itself says of a space to a member that has nothing.
async function record(port, remote, self, space) {
    const one = await meet(port, remote, self, space, false);
    await one.hear(KIND.EPOCHS);
    one.socket.destroy();
    await one.closed();
    const two = await meet(port, remote, self, space, true);
    two.say(KIND.FRONTIER, Buffer.concat([two.blind, EMPTY_FRONTIER]));
    await two.hear(KIND.BATCH);
    two.socket.destroy();
    await two.closed();
    const kinds = [KIND.OFFER, KIND.EPOCHS, KIND.FRONTIER, KIND.BATCH];
    return kinds.map((kind) => ({ kind, body: two.heard(kind) ?? one.heard(kind) }));
}

// The same words under this session's own blind.
function underBlind({ kind, body }, blind) {
    const own = Buffer.from(body);
    blind.copy(own, kind === KIND.FRONTIER || kind === KIND.BATCH ? 0 : 3);
    return { kind, body: own };
}

async function spoiltMember({ a, remote, self, space, recorded, reasons }) {
    const session = await meet(a.port, remote, self, space, true);
    const own = [...recorded, { kind: KIND.ACK, body: encode([session.blind, 1]) }].map((m) => underBlind(m, session.blind));
    if (randomInt(2)) session.say(KIND.FRONTIER, Buffer.concat([session.blind, EMPTY_FRONTIER]));
    await sayAndEnd(session, own, reasons);
}

// ---- all of them

async function inTurn(count, jobs) {
    let left = count;
    await Promise.all(jobs.map(async (job) => {
        while (left-- > 0) await job();
    }));
}

const rss = (node) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.child.pid}/status`, 'utf8'))[1]) / 1024;

async function withoutGrowth(node, job) {
    await job(Math.ceil(FRAMES / 20)); // what it needs at all
    const before = rss(node);
    await job(FRAMES);
    const grown = rss(node) - before;
    assert.ok(grown < GROWTH_MB, `it grew by ${grown.toFixed(1)} MB`);
    assert.ok(node.running);
    assert.doesNotMatch(node.errors, /level=(warn|error)|ERROR/, 'there is trouble in the log');
    return grown;
}

async function target(cluster) {
    const a = cluster.node('Ashbrook Lower', { listen: true });
    await cluster.up(a);
    const { key } = await a.json(['address']);
    return { a, remote: Buffer.from(key, 'hex') };
}

const tell = (reasons) => console.log(`      ${[...reasons].sort((x, y) => y[1] - x[1]).map(([r, n]) => `${n} × ${JSON.stringify(r)}`).join(', ')}`);

export default {
    [`${FRAMES} spoilt frames before the handshake get silence`]: async (cluster) => {
        const { a, remote } = await target(cluster);
        const strangers = async () => (await a.json(['status'])).strangers;
        const grown = await withoutGrowth(a, async (count) => {
            const before = await strangers();
            let whole = 0;
            const job = async () => { whole += await spoiltOpening(a, remote); };
            await inTurn(count, [job, job, job]);
            await until(`${whole} more strangers are counted`, async () => await strangers() - before >= whole);
        });
        console.log(`      ${await strangers()} strangers counted; grown by ${grown.toFixed(1)} MB`);
        assert.equal(a.errors.split('\n').filter((line) => line).length, 1, `strangers are in the log: ${a.errors}`);
        // Who is known gets in as before.
        const b = cluster.node('Rivermead Middle');
        await cluster.up(b);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        await b.covey(['join', await a.line(['invite', space]), '--wait', '30']);
    },

    'strangers turned away at the door are each counted once': async (cluster) => {
        const { a } = await target(cluster);
        const knock = () => new Promise((resolve) => { const s = net.connect(a.port, '127.0.0.1', () => resolve(s)); s.on('error', () => {}); });
        const held = [];
        for (let i = 0; i < 4; i++) held.push(await knock());
        for (const expected of [3, 6]) {
            for (let i = 0; i < 3; i++) {
                const s = await knock();
                await new Promise((resolve) => s.on('close', resolve).resume());
            }
            await until(`${expected} are counted`, async () => (await a.json(['status'])).strangers === expected);
        }
        for (const s of held) s.destroy();
    },

    [`${FRAMES / 2} spoilt frames of a pinned peer are closed with a reason`]: async (cluster) => {
        const { a, remote } = await target(cluster);
        const keys = [keyPair(), keyPair(), keyPair()];
        for (const k of keys) await a.covey(['peer', 'add', `${k.publicKey.toString('hex')}@127.0.0.1:9`]);
        const reasons = new Map();
        await withoutGrowth(a, (count) => inTurn(count / 2, keys.map((self) => () => spoiltStranger({ a, remote, self, reasons }))));
        tell(reasons);
        await a.covey(['action', 'add', '--title', 'it goes on']);
    },

    [`${FRAMES / 2} spoilt frames of a member are closed with a reason and change nothing`]: async (cluster) => {
        const { a, remote } = await target(cluster);
        const [b, c] = [cluster.node('Rivermead Middle'), cluster.node('Highdown Upper')];
        await cluster.up(b, c);
        const space = await a.line(['space', 'create', 'Cluster', '--admit', 'at-once']);
        for (const n of [b, c]) await n.covey(['join', await a.line(['invite', space]), '--wait', '30']);
        for (const n of [a, b, c]) await n.covey(['priority', 'add', '--space', space, '--title', `By ${n.name}`, '--why', 'w']);
        await cluster.converged(space, [a, b, c]);
        await b.stop();
        const self = keysOf(b);
        const recorded = await record(a.port, remote, self, space);
        const state = async () => JSON.stringify(await a.space(space));
        const before = await state();
        const reasons = new Map();
        await withoutGrowth(a, (count) => inTurn(count / 2, [() => spoiltMember({ a, remote, self, space, recorded, reasons })]));
        tell(reasons);
        assert.equal(await state(), before, 'something of it was taken in');
        await b.start();
        await b.covey(['priority', 'add', '--space', space, '--title', 'By who was impersonated', '--why', 'w']);
        await cluster.converged(space, [a, b, c]);
        assert.equal((await a.space(space)).rows, 4);
    },
};
