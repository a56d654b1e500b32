// covey's Noise against other people's, live: XK in both roles, with prologue
// and payloads, twenty transport messages each way, handshake hashes compared.
//
// noise-handshake runs on libsodium, as covey does; noise-c.wasm has its own
// cryptography.  Neither knows XKpsk3 with these algorithms: the published
// vectors (tests/unit/test_noise.c) stand for it.
//
// Part of the e2e suite, and a program of its own:
// usage: node tests/e2e/noise_interop.js [PEER]    PEER: the built
//        tool_noise_peer, build/tests/e2e/tool_noise_peer by default

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dhKeyPair } from '../vectors/primitives.js';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));
const alone = process.argv[1] === fileURLToPath(import.meta.url);
const build = process.env.COVEY_BUILD || `${root}build`;
const peerPath = (alone ? process.argv[2] : undefined) ??
    `${build}/tests/e2e/tool_noise_peer`;
const TRANSPORT_MESSAGES = 20;
const EFORGED = 4;

// ---- covey's side: tool_noise_peer, one question and one answer at a time

class Refused extends Error {
    constructor(code) {
        super(`refused with code ${code}`);
        this.code = code;
    }
}

class CoveyPeer {
    constructor() {
        this.child = spawn(peerPath, { stdio: ['pipe', 'pipe', 'inherit'] });
        this.ended = new Promise((resolve) => {
            this.child.on('error', resolve);
            this.child.on('exit', (code, signal) =>
                resolve(new Error(`${peerPath} ended: ${signal ?? code}`)));
        });
        this.child.stdin.on('error', () => {}); // `ended` tells it better
        this.chunks = this.child.stdout[Symbol.asyncIterator]();
        this.pending = Buffer.alloc(0);
    }

    async read(length) {
        while (this.pending.length < length) {
            const { value, done } = await this.chunks.next();

            if (done) throw await this.ended;
            this.pending = Buffer.concat([this.pending, value]);
        }

        const bytes = this.pending.subarray(0, length);

        this.pending = this.pending.subarray(length);
        return bytes;
    }

    async ask(command, body = Buffer.alloc(0)) {
        const head = Buffer.alloc(5);

        head.writeUInt32BE(body.length + 1);
        head.write(command, 4);
        this.child.stdin.write(Buffer.concat([head, body]));

        const length = (await this.read(4)).readUInt32BE();
        const [code, ...rest] = await this.read(length);

        if (code !== 0) throw new Refused(code);
        return Buffer.from(rest);
    }

    begin({ initiator, prologue, self, remote }) {
        const zeros = Buffer.alloc(32);

        return this.ask('b', Buffer.concat([
            Buffer.from(initiator ? 'i\0' : 'r\0'),
            self.secret, randomBytes(32), remote ?? zeros, zeros, prologue,
        ]));
    }

    write(payload) { return this.ask('w', payload); }
    receive(message) { return this.ask('r', message); }
    hash() { return this.ask('h'); }
    remoteKey() { return this.ask('k'); }
    split() { return this.ask('p'); }
    seal(plain) { return this.ask('s', plain); }
    open(sealed) { return this.ask('o', sealed); }

    async end() {
        this.child.stdin.end();
        await this.ended;
    }
}

// ---- the others, in the same words

class NoiseHandshake {
    begin({ initiator, prologue, self, remote }) {
        const Noise = require('noise-handshake');

        this.noise = new Noise('XK', initiator, {
            publicKey: self.key, secretKey: self.secret,
        });
        this.noise.initialise(prologue, remote);
    }

    write(payload) { return this.noise.send(payload); }
    receive(message) { return this.noise.recv(message); }
    hash() { return this.noise.hash; }
    remoteKey() { return this.noise.rs; }

    split() {
        const Cipher = require('noise-handshake/cipher');

        this.send = new Cipher(this.noise.tx);
        this.take = new Cipher(this.noise.rx);
    }

    seal(plain) { return this.send.encrypt(plain); }
    open(sealed) { return this.take.decrypt(sealed); }
}

class NoiseC {
    static none = new Uint8Array(0);

    constructor(library) {
        this.library = library;
    }

    begin({ initiator, prologue, self, remote }) {
        const { HandshakeState, constants } = this.library;

        this.noise = new HandshakeState(
            'Noise_XK_25519_ChaChaPoly_BLAKE2b',
            initiator ? constants.NOISE_ROLE_INITIATOR
                : constants.NOISE_ROLE_RESPONDER);
        this.noise.Initialize(prologue, self.secret, remote);
    }

    write(payload) { return this.noise.WriteMessage(payload); }
    receive(message) { return this.noise.ReadMessage(message, true); }
    hash() { return this.noise.GetHandshakeHash(); }
    remoteKey() { return this.noise.GetRemotePublicKey(); }
    split() { [this.send, this.take] = this.noise.Split(); }
    seal(plain) { return this.send.EncryptWithAd(NoiseC.none, plain); }
    open(sealed) { return this.take.DecryptWithAd(NoiseC.none, sealed); }
}

// ---- what is tried

const same = (a, b) => assert.equal(
    Buffer.from(a).toString('hex'), Buffer.from(b).toString('hex'));

// Both sides begun; `initiator` and `responder` whichever of them it is.
async function begin(covey, other, coveyDials, prologue) {
    const dialler = dhKeyPair();
    const listener = dhKeyPair();
    const initiator = coveyDials ? covey : other;
    const responder = coveyDials ? other : covey;

    await initiator.begin({
        initiator: true, prologue, self: dialler,
        // A copy: noise-handshake wipes what it was given.
        remote: Buffer.from(listener.key),
    });
    await responder.begin({ initiator: false, prologue, self: listener });
    return { initiator, responder, dialler, listener };
}

async function handshake({ initiator, responder }, payloads) {
    const turns = [
        [initiator, responder], [responder, initiator], [initiator, responder],
    ];

    for (const [i, [from, to]] of turns.entries()) {
        same(await to.receive(await from.write(payloads[i])), payloads[i]);
    }
}

async function transport(from, to, sizes) {
    for (const size of sizes) {
        const words = randomBytes(size);

        same(await to.open(await from.seal(words)), words);
    }
}

async function talk(covey, other, coveyDials, prologue, payloadSizes) {
    const sides = await begin(covey, other, coveyDials, prologue);
    const { initiator, responder, dialler } = sides;
    const sizes = Array.from({ length: TRANSPORT_MESSAGES },
        (_, i) => i === 7 ? 65519 : i * 13);

    await handshake(sides, payloadSizes.map((size) => randomBytes(size)));
    same(await responder.remoteKey(), dialler.key);
    same(await covey.hash(), await other.hash());
    await initiator.split();
    await responder.split();
    await transport(initiator, responder, sizes);
    await transport(responder, initiator, sizes);
    await transport(initiator, responder, [5]);
}

// A changed byte in message `number` is refused by whoever reads it.
async function tamper(covey, other, coveyDials, number) {
    const { initiator, responder } =
        await begin(covey, other, coveyDials, Buffer.from('covey/1'));
    const turns = [
        [initiator, responder], [responder, initiator], [initiator, responder],
    ];
    const payload = Buffer.from('payload');

    for (const [from, to] of turns.slice(0, number - 1)) {
        await to.receive(await from.write(payload));
    }

    const [from, to] = turns[number - 1];
    const message = Buffer.from(await from.write(payload));

    message[message.length - 1] ^= 1;
    await assert.rejects(async () => to.receive(message), (error) =>
        to !== covey || error.code === EFORGED);
}

async function differentPrologue(covey, other, coveyDials) {
    const listener = dhKeyPair();
    const initiator = coveyDials ? covey : other;
    const responder = coveyDials ? other : covey;

    await initiator.begin({
        initiator: true, prologue: Buffer.from('covey/1'), self: dhKeyPair(),
        remote: Buffer.from(listener.key),
    });
    await responder.begin({
        initiator: false, prologue: Buffer.from('covey/2'), self: listener,
    });

    const message = await initiator.write(Buffer.from('payload'));

    await assert.rejects(async () => responder.receive(message), (error) =>
        responder !== covey || error.code === EFORGED);
}

// The tests against one library: name and function.
function testsOf(name, make) {
    const tests = {};

    for (const coveyDials of [true, false]) {
        const who = coveyDials ? `covey dials ${name}` : `${name} dials covey`;
        const add = (what, run) => {
            tests[`${who}: ${what}`] = () =>
                withPeer((covey) => run(covey, make(), coveyDials));
        };

        add('prologue, payloads and twenty messages each way', (c, o, d) =>
            talk(c, o, d, Buffer.from('covey/1 \0\xff'), [100, 1, 2000]));
        add('no prologue and no payloads', (c, o, d) =>
            talk(c, o, d, Buffer.alloc(0), [0, 0, 0]));
        add('the longest payloads', (c, o, d) =>
            talk(c, o, d, randomBytes(300), [65487, 65487, 65471]));
        for (const number of [1, 2, 3]) {
            add(`a changed byte in message ${number} is refused`, (c, o, d) =>
                tamper(c, o, d, number));
        }
        add('another prologue is refused', differentPrologue);
    }
    return tests;
}

async function withPeer(run) {
    const covey = new CoveyPeer();

    try {
        await run(covey);
    } finally {
        await covey.end();
    }
}

// ---- running

const skipped = [];

// The tests against one package; none, and it says so, where it is missing.
async function load(name, testsFrom) {
    try {
        return await testsFrom(require(name));
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        console.log(`skipped ${name}: it is not installed (npm ci)`);
        skipped.push(name);
        return {};
    }
}

const tests = {
    ...await load('noise-handshake', () =>
        testsOf('noise-handshake', () => new NoiseHandshake())),
    ...await load('noise-c.wasm', async (create) => {
        const library = await new Promise((resolve) => create(resolve));

        return testsOf('noise-c.wasm', () => new NoiseC(library));
    }),
};

export default tests;

async function main() {
    let passed = 0;
    let failed = 0;

    for (const [name, test] of Object.entries(tests)) {
        try {
            await test();
            passed++;
            console.log(`ok    ${name}`);
        } catch (error) {
            failed++;
            console.log(`FAIL  ${name}\n      ${error.stack ?? error}`);
        }
    }
    console.log(`${passed} passed, ${failed} failed` +
        (skipped.length > 0 ? `, ${skipped.length} skipped` : ''));
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

if (alone) await main();
