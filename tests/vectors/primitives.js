// The primitives of docs/protocol.md, sections 1 to 3 and 11: what node:crypto
// has not got is written out.  Nothing here is fast.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';

// ---- BLAKE2b, RFC 7693: any length, keyed or not

const MASK = (1n << 64n) - 1n;
const IV = [
    0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn,
    0xa54ff53a5f1d36f1n, 0x510e527fade682d1n, 0x9b05688c2b3e6c1fn,
    0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const SIGMA = [
    '0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194',
    '7931dcbe265a40f8', '905724afe1bc683d', '2c6a0b834d75fe19',
    'c51fed4a0763928b', 'db7ec13950f4862a', '6fe9b308c2d714a5',
    'a2847615fb9e3cd0',
].map((line) => [...line].map((digit) => parseInt(digit, 16)));
const MIXES = ['048c', '159d', '26ae', '37bf', '05af', '16bc', '278d', '349e']
    .map((line) => [...line].map((digit) => parseInt(digit, 16)));

const rotate = (x, n) => ((x >> n) | (x << (64n - n))) & MASK;

function mix(v, [a, b, c, d], x, y) {
    v[a] = (v[a] + v[b] + x) & MASK;
    v[d] = rotate(v[d] ^ v[a], 32n);
    v[c] = (v[c] + v[d]) & MASK;
    v[b] = rotate(v[b] ^ v[c], 24n);
    v[a] = (v[a] + v[b] + y) & MASK;
    v[d] = rotate(v[d] ^ v[a], 16n);
    v[c] = (v[c] + v[d]) & MASK;
    v[b] = rotate(v[b] ^ v[c], 63n);
}

function compress(h, block, count, isLast) {
    const v = [...h, ...IV];
    const m = Array.from({ length: 16 }, (_, i) =>
        block.readBigUInt64LE(8 * i));

    v[12] ^= BigInt(count);
    if (isLast) v[14] ^= MASK;
    for (let round = 0; round < 12; round++) {
        const order = SIGMA[round % 10];

        MIXES.forEach((at, i) =>
            mix(v, at, m[order[2 * i]], m[order[2 * i + 1]]));
    }
    for (let i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

export function blake2b(data, key = Buffer.alloc(0), length = 32) {
    const padded = Buffer.alloc(key.length > 0 ? 128 : 0);

    key.copy(padded);

    const input = Buffer.concat([padded, data]);
    const h = [...IV];
    let at = 0;

    h[0] ^= 0x01010000n ^ BigInt(key.length << 8) ^ BigInt(length);
    for (; input.length - at > 128; at += 128)
        compress(h, input.subarray(at, at + 128), at + 128, false);

    const last = Buffer.alloc(128);
    const out = Buffer.alloc(64);

    input.copy(last, 0, at);
    compress(h, last, input.length, true);
    h.forEach((word, i) => out.writeBigUInt64LE(word, 8 * i));
    return out.subarray(0, length);
}

export const ascii = (text) => Buffer.from(text, 'latin1');

const tagged = (tag, data) =>
    Buffer.concat([Buffer.from([tag.length]), ascii(tag), ...data]);

export const H = (tag, ...data) => blake2b(tagged(tag, data));
export const K = (key, tag, ...data) => blake2b(tagged(tag, data), key);

// ---- XChaCha20-Poly1305: HChaCha20, then what node:crypto has

function quarter(s, a, b, c, d) {
    const turn = (x, n) => (x << n) | (x >>> (32 - n));

    s[a] = (s[a] + s[b]) | 0;
    s[d] = turn(s[d] ^ s[a], 16);
    s[c] = (s[c] + s[d]) | 0;
    s[b] = turn(s[b] ^ s[c], 12);
    s[a] = (s[a] + s[b]) | 0;
    s[d] = turn(s[d] ^ s[a], 8);
    s[c] = (s[c] + s[d]) | 0;
    s[b] = turn(s[b] ^ s[c], 7);
}

function hchacha20(key, nonce) {
    const input = Buffer.concat([ascii('expand 32-byte k'), key, nonce]);
    const s = Array.from({ length: 16 }, (_, i) => input.readInt32LE(4 * i));
    const out = Buffer.alloc(32);

    for (let round = 0; round < 10; round++) {
        for (let i = 0; i < 4; i++) quarter(s, i, 4 + i, 8 + i, 12 + i);
        for (let i = 0; i < 4; i++)
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    [...s.slice(0, 4), ...s.slice(12)].forEach((word, i) =>
        out.writeInt32LE(word, 4 * i));
    return out;
}

export function chachaSeal(key, nonce, ad, plain) {
    const cipher = crypto.createCipheriv('chacha20-poly1305', key, nonce,
        { authTagLength: 16 });

    cipher.setAAD(ad, { plaintextLength: plain.length });
    return Buffer.concat(
        [cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function chachaOpen(key, nonce, ad, sealed) {
    const body = sealed.subarray(0, sealed.length - 16);
    const decipher = crypto.createDecipheriv('chacha20-poly1305', key, nonce,
        { authTagLength: 16 });

    decipher.setAAD(ad, { plaintextLength: body.length });
    decipher.setAuthTag(sealed.subarray(sealed.length - 16));
    return Buffer.concat([decipher.update(body), decipher.final()]);
}

export function open(key, nonce, ad, sealed) {
    const inner = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);

    return chachaOpen(hchacha20(key, nonce.subarray(0, 16)), inner, ad, sealed);
}

// ---- keys: Ed25519 and X25519 in node's wrapping

const SECRET = {
    ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
    x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};
const PUBLIC = {
    ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
    x25519: Buffer.from('302a300506032b656e032100', 'hex'),
};

const secretKey = (kind, bytes) => crypto.createPrivateKey({
    key: Buffer.concat([SECRET[kind], bytes]), format: 'der', type: 'pkcs8',
});
const publicKey = (kind, bytes) => crypto.createPublicKey({
    key: Buffer.concat([PUBLIC[kind], bytes]), format: 'der', type: 'spki',
});
const publicOf = (kind, secret) => crypto.createPublicKey(
    secretKey(kind, secret)).export({ format: 'der', type: 'spki' })
    .subarray(PUBLIC[kind].length);

export const signKeyOf = (seed) => publicOf('ed25519', seed);
export const dhKeyOf = (secret) => publicOf('x25519', secret);

// Not by generateKeyPairSync(): Node 18 and 20 stand still for good when the
// garbage collector ends such a job while a key of it is being exported.
export function dhKeyPair() {
    const secret = crypto.randomBytes(32);

    return { secret, key: dhKeyOf(secret) };
}

export const verify = (key, text, signature) =>
    crypto.verify(null, text, publicKey('ed25519', key), signature);
export const dh = (secret, key) => crypto.diffieHellman({
    privateKey: secretKey('x25519', secret),
    publicKey: publicKey('x25519', key),
});

export function openBox(secret, ad, box) {
    const ephemeral = box.subarray(0, 32);
    const key = H('covey/1 box', dh(secret, ephemeral), ephemeral,
        dhKeyOf(secret));

    return open(key, Buffer.alloc(24), ad, box.subarray(32));
}

// ---- bytes one after the other

export class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }

    take(length) {
        assert(this.at + length <= this.bytes.length, 'cut short');
        this.at += length;
        return this.bytes.subarray(this.at - length, this.at);
    }

    rest() { return this.take(this.bytes.length - this.at); }
    get left() { return this.bytes.length - this.at; }
    hex(length) { return this.take(length).toString('hex'); }
    u8() { return this.take(1)[0]; }
    u16() { return this.take(2).readUInt16BE(); }
    u32() { return this.take(4).readUInt32BE(); }
    u64() { return this.take(8).readBigUInt64BE(); }

    tag(text) {
        const tag = Buffer.alloc(16);

        tag.write(text);
        assert.deepEqual(this.take(16), tag);
    }

    leb() {
        for (let value = 0n, shift = 0n; ; shift += 7n) {
            const byte = this.u8();

            value |= BigInt(byte & 0x7f) << shift;
            if (byte > 0x7f) continue;
            assert((byte > 0 || shift === 0n) && value <= MASK, 'LEB128');
            return value;
        }
    }

    end() { assert.equal(this.left, 0, 'something behind it'); }
}

export function u64(value) {
    const out = Buffer.alloc(8);

    out.writeBigUInt64BE(BigInt(value));
    return out;
}

export const u32 = (value) => u64(value).subarray(4);
