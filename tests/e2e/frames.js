// Frames that nobody should send, thousands of them: before the handshake they
// get silence and a counter, after it a CLOSE with a reason; never a crash, and
// no growth.  FRAMES=10000 for the full run.
import assert from 'node:assert/strict';
import { randomBytes, randomInt, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { until } from '../support/cluster.js';

const require = createRequire(import.meta.url);
const FRAMES = Number(process.env.FRAMES || 2000);
const PROLOGUE = (mode) => Buffer.concat([Buffer.from('covey/1'), Buffer.from([mode])]);
const CLOSE = 14;
const GROWTH_MB = 16;

function keyPair() {
    const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
    return { publicKey: Buffer.from(x, 'base64url'), secretKey: Buffer.from(d, 'base64url') };
}

const frame = (bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);

function hello(remote, self) {
    const Noise = require('noise-handshake');
    const noise = new Noise('XK', true, self);
    noise.initialise(PROLOGUE(1), remote);
    return noise;
}

// One of many ways to spoil some bytes; they are never the same afterwards.
function spoil(bytes) {
    const b = Buffer.from(bytes);
    switch (randomInt(5)) {
    case 0: b[randomInt(b.length)] ^= 1 << randomInt(8); return b;
    case 1: return b.subarray(0, randomInt(b.length));
    case 2: return randomBytes(1 + randomInt(300));
    case 3: return Buffer.concat([Buffer.from([randomInt(256), randomInt(256)]), randomBytes(randomInt(300))]);
    default: b[randomInt(Math.min(3, b.length))] ^= 1 + randomInt(255); return b;
    }
}

// Send bytes, hang up our half, and give all that came back.
function visit(port, bytes) {
    return new Promise((resolve) => {
        const back = [];
        const s = net.connect(port, '127.0.0.1', () => s.end(bytes));
        s.on('data', (d) => back.push(d));
        s.on('error', () => {});
        s.on('close', () => resolve(Buffer.concat(back)));
    });
}

// An opened session: after(session) once the other's HELLO may come.
class Session {
    constructor(port, remote, self) {
        this.noise = hello(remote, self);
        this.bytes = Buffer.alloc(0);
        this.messages = [];
        this.socket = net.connect(port, '127.0.0.1');
        this.socket.on('error', () => {});
        this.ended = new Promise((resolve) => this.socket.on('close', resolve));
        this.up = new Promise((resolve) => {
            this.socket.on('data', (d) => this.take(d, resolve));
            this.ended.then(resolve);
        });
        this.socket.write(frame(Buffer.concat([Buffer.from([1]), this.noise.send(Buffer.alloc(0))])));
    }

    take(d, up) {
        this.bytes = Buffer.concat([this.bytes, d]);
        for (;;) {
            const len = this.bytes.length < 2 ? 1e9 : this.bytes.readUInt16BE(0);
            if (this.bytes.length < 2 + len) return;
            const one = this.bytes.subarray(2, 2 + len);
            this.bytes = this.bytes.subarray(2 + len);
            if (this.tx) this.messages.push(this.rx.decrypt(one));
            else this.open(one, up);
        }
    }

    open(message2, up) {
        const Cipher = require('noise-handshake/cipher');
        this.noise.recv(message2);
        this.socket.write(frame(this.noise.send(Buffer.alloc(0))));
        this.tx = new Cipher(this.noise.tx);
        this.rx = new Cipher(this.noise.rx);
        this.opened = true;
        up();
    }

    // What the other said last: a CLOSE's text, or nothing.
    reason() {
        const last = this.messages.at(-1);
        return last && last[1] === CLOSE ? last.subarray(2).toString('latin1') : null;
    }
}

async function inTurn(count, at_once, job) {
    let left = count;
    await Promise.all(Array.from({ length: at_once }, async () => {
        while (left-- > 0) await job();
    }));
}

const rss = (node) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.child.pid}/status`, 'utf8'))[1]) / 1024;

async function target(cluster) {
    const a = cluster.node('Ashbrook Lower', { listen: true });
    await cluster.up(a);
    const { key } = await a.json(['address']);
    return { a, remote: Buffer.from(key, 'hex') };
}

export default {
    [`${FRAMES / 2} spoilt frames before the handshake get silence`]: async (cluster) => {
        const { a, remote } = await target(cluster);
        const begin = () => frame(Buffer.concat([Buffer.from([1]), hello(remote, keyPair()).send(Buffer.alloc(0))]));
        const before = rss(a);
        await inTurn(FRAMES / 2, 4, async () => {
            let bytes = spoil(begin());
            while (bytes.length >= 51 && bytes.equals(begin())) bytes = spoil(begin());
            const back = await visit(a.port, bytes);
            assert.equal(back.length, 0, `${back.length} bytes came back for ${bytes.toString('hex')}`);
        });
        const status = await a.json(['status']);
        assert.ok(status.strangers > 0, 'nobody was counted');
        assert.ok(rss(a) - before < GROWTH_MB, `it grew by ${(rss(a) - before).toFixed(1)} MB`);
        assert.doesNotMatch(a.errors, /level=(warn|error)/, 'strangers are in the log');
    },

    [`${FRAMES / 2} spoilt frames after the handshake are closed with a reason`]: async (cluster) => {
        const { a, remote } = await target(cluster);
        const self = keyPair();
        await a.covey(['peer', 'add', `${self.publicKey.toString('hex')}@127.0.0.1:9`]);
        const before = rss(a);
        const reasons = new Map();
        await inTurn(FRAMES / 2, 1, async () => {
            const s = new Session(a.port, remote, self);
            await s.up;
            assert.ok(s.opened, 'the handshake did not open');
            const plain = Buffer.concat([Buffer.from([randomInt(2), 1 + randomInt(20)]), randomBytes(randomInt(200))]);
            const sealed = frame(s.tx.encrypt(plain));
            if (randomInt(2)) sealed[2 + randomInt(sealed.length - 2)] ^= 1 << randomInt(8);
            s.socket.write(sealed);
            if (plain[0] === 1) s.socket.write(frame(s.tx.encrypt(Buffer.concat([Buffer.from([0]), randomBytes(40)]))));
            await s.ended;
            const reason = s.reason();
            assert.ok(reason, `closed without a reason after ${plain.toString('hex')}`);
            reasons.set(reason, (reasons.get(reason) || 0) + 1);
        });
        assert.ok(rss(a) - before < GROWTH_MB, `it grew by ${(rss(a) - before).toFixed(1)} MB`);
        await until('it still answers', () => a.json(['status']));
        console.log(`      reasons: ${[...reasons].map(([r, n]) => `${n} × ${JSON.stringify(r.replace(/[^ -~]/g, ''))}`).join(', ')}`);
    },
};
