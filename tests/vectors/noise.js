// docs/protocol.md, section 11: the handshake as who knows all secrets sees it,
// and frames.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { ascii, chachaOpen, chachaSeal, dh, dhKeyOf, Reader } from
    './primitives.js';

const EMPTY = Buffer.alloc(0);
const MAX_NONCE = (1n << 64n) - 1n;

const hash = (...data) => crypto.createHash('blake2b512')
    .update(Buffer.concat(data)).digest();
const hmac = (key, ...data) => crypto.createHmac('blake2b512', key)
    .update(Buffer.concat(data)).digest();

function hkdf(ck, material, count) {
    const t = hmac(ck, material);
    const out = [EMPTY];

    for (let i = 1; i <= count; i++)
        out.push(hmac(t, out[i - 1], Buffer.from([i])));
    return out.slice(1);
}

function nonceOf(n) {
    const nonce = Buffer.alloc(12);

    nonce.writeBigUInt64LE(n, 4);
    return nonce;
}

export class Cipher {
    constructor(key) {
        this.key = key;
        this.n = 0n;
    }

    open(ad, sealed) {
        return chachaOpen(this.key, nonceOf(this.n++), ad, sealed);
    }

    seal(ad, plain) {
        return chachaSeal(this.key, nonceOf(this.n++), ad, plain);
    }

    rekey() {
        this.key = chachaSeal(this.key, nonceOf(MAX_NONCE), EMPTY,
            Buffer.alloc(32)).subarray(0, 32);
    }
}

// ---- the handshake

const secrets = (side) => ({
    s: Buffer.from(side.static_secret, 'hex'),
    e: Buffer.from(side.ephemeral_secret, 'hex'),
});

export class Handshake {
    constructor(mode, initiator, responder, psk) {
        const name = `Noise_XK${mode === 2 ? 'psk3' : ''}` +
            '_25519_ChaChaPoly_BLAKE2b';

        Object.assign(this, { mode, psk, h: Buffer.alloc(64),
            i: secrets(initiator), r: secrets(responder) });
        this.h.write(name);
        this.ck = Buffer.from(this.h);
        this.mixHash(Buffer.concat([ascii('covey/1'), Buffer.from([mode])]));
        this.mixHash(dhKeyOf(this.r.s));
    }

    mixHash(data) { this.h = hash(this.h, data); }

    mixKey(material) {
        const [ck, k] = hkdf(this.ck, material, 2);

        this.ck = ck;
        this.cipher = new Cipher(k.subarray(0, 32));
    }

    mixPsk() {
        const [ck, t, k] = hkdf(this.ck, this.psk, 3);

        this.ck = ck;
        this.mixHash(t);
        this.cipher = new Cipher(k.subarray(0, 32));
    }

    open(sealed) {
        const plain = this.cipher.open(this.h, sealed);

        this.mixHash(sealed);
        return plain;
    }

    ephemeral(key, secret) {
        assert.deepEqual(key, dhKeyOf(secret));
        this.mixHash(key);
        if (this.mode === 2) this.mixKey(key);
    }

    // The payload of message 1, 2 or 3.
    read(number, bytes) {
        const { i, r: peer } = this;
        const r = new Reader(bytes);

        if (number === 1) {
            this.ephemeral(r.take(32), i.e);
            this.mixKey(dh(i.e, dhKeyOf(peer.s)));
        } else if (number === 2) {
            this.ephemeral(r.take(32), peer.e);
            this.mixKey(dh(i.e, dhKeyOf(peer.e)));
        } else {
            assert.deepEqual(this.open(r.take(48)), dhKeyOf(i.s));
            this.mixKey(dh(i.s, dhKeyOf(peer.e)));
            if (this.mode === 2) this.mixPsk();
        }
        return this.open(r.rest());
    }

    // The ciphers of initiator and responder.
    split() {
        return hkdf(this.ck, EMPTY, 2).map((k) =>
            new Cipher(k.subarray(0, 32)));
    }
}

// ---- frames

export function unframe(frame) {
    const r = new Reader(frame);
    const bytes = r.take(r.u16());

    r.end();
    return bytes;
}

// A message that fits one frame: its kind and body.
export function openMessage(cipher, frame) {
    const r = new Reader(cipher.open(EMPTY, unframe(frame)));

    assert.equal(r.u8(), 0);
    return { kind: r.u8(), body: r.rest() };
}

// All frames of a message, as they go over.
export function sealMessage(cipher, kind, body) {
    const frames = [];
    let rest = Buffer.concat([Buffer.from([kind]), body]);

    while (rest.length > 0) {
        const part = rest.subarray(0, 65518);

        rest = rest.subarray(part.length);

        const sealed = cipher.seal(EMPTY, Buffer.concat(
            [Buffer.from([rest.length > 0 ? 1 : 0]), part]));
        const head = Buffer.alloc(2);

        head.writeUInt16BE(sealed.length);
        frames.push(head, sealed);
        if (cipher.n % 1024n === 0n) cipher.rekey();
    }
    return Buffer.concat(frames);
}
