// docs/protocol.md, section 11: the handshake, and frames after it.
import crypto from 'node:crypto';
import { cat, chacha, dh, dhKeyOf, eq, Layout, need, u, zeros } from './primitives.js';

const HASH = (...data) =>
    crypto
        .createHash('blake2b512')
        .update(cat(...data))
        .digest();

const HMAC = (key, ...data) =>
    crypto
        .createHmac('blake2b512', key)
        .update(cat(...data))
        .digest();

function HKDF(ck, x, m) {
    const t = HMAC(ck, x);
    const out = [];
    for (let i = 1; i <= m; i++) out.push(HMAC(t, out[i - 2] ?? '', u(1, i)));
    return out;
}

const noiseNonce = (n) => {
    const b = zeros(12);
    b.writeBigUInt64LE(BigInt(n), 4);
    return b;
};

/** One direction of a connection, with its rekey after every 1,024 messages. */
export class Cipher {
    constructor(key, n = 0) {
        this.key = key;
        this.n = n;
    }
    use(way, text) {
        const out = chacha(way, this.key, noiseNonce(this.n++), zeros(0), text);
        if (this.n % 1024 === 0) this.key = rekey(this.key);
        return out;
    }
}

export const rekey = (key) =>
    chacha(true, key, noiseNonce((1n << 64n) - 1n), zeros(0), zeros(32)).subarray(0, 32);

const deframe = (frame) => {
    const at = new Layout(frame);
    const b = at.take(at.num(2));
    at.end();
    return b;
};

/** Reads the three frames of a handshake, with the secrets of both sides: { static, ephemeral }. */
export function handshake(frames, initiator, responder, psk) {
    const [one, two, three] = frames.map(deframe);
    const mode = one[0];
    need(
        mode === (psk ? 2 : 1) &&
            one.length === (psk ? 65 : 49) &&
            two.length === 48 &&
            [64, psk ? 64 : 177].includes(three.length),
        'frames',
    );
    let h = Buffer.from(
        `Noise_XK${psk ? 'psk3' : ''}_25519_ChaChaPoly_BLAKE2b`.padEnd(64, '\0'),
    );
    let ck = h;
    let k;
    let n;
    const mixHash = (x) => {
        h = HASH(h, x);
    };
    const mixKey = (x) => {
        [ck, k] = HKDF(ck, x, 2);
        k = k.subarray(0, 32);
        n = 0;
    };
    const opened = (x) => {
        const plain = chacha(false, k, noiseNonce(n++), h, x);
        mixHash(x);
        return plain;
    };
    const e = (key, secret) => {
        need(eq(key, dhKeyOf(secret)), 'e');
        mixHash(key);
        if (psk) mixKey(key);
    };
    mixHash(cat('covey/1', u(1, mode)));
    mixHash(dhKeyOf(responder.static));
    e(one.subarray(1, 33), initiator.ephemeral);
    mixKey(dh(responder.static, one.subarray(1, 33)));
    const first = opened(one.subarray(33));
    e(two.subarray(0, 32), responder.ephemeral);
    mixKey(dh(initiator.ephemeral, two.subarray(0, 32)));
    need(opened(two.subarray(32)).length === 0, 'message 2 has a payload');
    const after2 = h;
    const s = opened(three.subarray(0, 48));
    need(eq(s, dhKeyOf(initiator.static)), 's');
    mixKey(dh(responder.ephemeral, s));
    if (psk) {
        const [c, t, key] = HKDF(ck, psk, 3);
        ck = c;
        mixHash(t);
        k = key.subarray(0, 32);
        n = 0;
    }
    const third = opened(three.subarray(48));
    const [k1, k2] = HKDF(ck, '', 2).map((x) => new Cipher(x.subarray(0, 32)));
    return {
        hash: h,
        after2,
        s,
        first,
        third,
        ciphers: { initiator: k1, responder: k2 },
    };
}

/** Section 11: a message as frames. */
export function frames(cipher, kind, body) {
    const out = [];
    for (let rest = cat(u(1, kind), body); rest.length; rest = rest.subarray(65518)) {
        const sealed = cipher.use(
            true,
            cat(u(1, rest.length > 65518 ? 1 : 0), rest.subarray(0, 65518)),
        );
        out.push(cat(u(2, sealed.length), sealed));
    }
    return out;
}

/** Section 11: frames put together again, filled or not. */
export function message(cipher, list) {
    const plain = list.map((f) => cipher.use(false, deframe(f)));
    need(
        plain.every((p, i) => p.length >= 2 && p[0] === (i < plain.length - 1 ? 1 : 0)),
        'flags',
    );
    return {
        kind: plain[0][1],
        body: cat(...plain.map((p, i) => p.subarray(i ? 1 : 2))),
    };
}
