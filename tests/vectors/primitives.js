// docs/protocol.md, sections 1 and 2: bytes, numbers, and the cryptography that
// Node lacks.  What is not as the page says throws.
import crypto from 'node:crypto';

export const hex = (b) => Buffer.from(b).toString('hex');
export const raw = (text) => Buffer.from(text, 'hex');
export const cat = (...parts) =>
    Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)));

export const zeros = (n) => Buffer.alloc(n);
export const eq = (a, b) => Buffer.compare(a, b) === 0;
export const need = (good, why) => {
    if (!good) throw new Error(why);
};

/** A number in n bytes, big-endian (section 1). */
export const u = (n, value) =>
    raw(
        BigInt(value)
            .toString(16)
            .padStart(2 * n, '0'),
    );

export const maximum = (list, least) => list.reduce((a, b) => (a > b ? a : b), least);
export const ascending = (list) =>
    list.every((b, i) => !i || Buffer.compare(list[i - 1], b) < 0);

/** The one of a list with this value in this field. */
export const by = (list, field, key) =>
    list.find((x) => (Buffer.isBuffer(key) ? eq(x[field], key) : x[field] === key));

export const must = (x, why) => {
    need(x, why);
    return x;
};

/** Reads a fixed layout from front to back (section 1). */
export class Layout {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }
    take(n) {
        need(this.at + n <= this.bytes.length, 'too short');
        return this.bytes.subarray(this.at, (this.at += n));
    }
    num(n) {
        const v = BigInt('0x' + hex(this.take(n)));
        return n > 6 ? v : Number(v);
    }
    tag(text) {
        need(eq(this.take(16), cat(text, zeros(16 - text.length))), 'another tag');
    }
    rest() {
        return this.take(this.bytes.length - this.at);
    }
    get done() {
        return this.at === this.bytes.length;
    }
    end() {
        need(this.done, 'bytes behind the end');
    }
    /** LEB128 in its shortest form, at most 2^64 - 1 (section 1). */
    leb() {
        for (let v = 0n, shift = 0n; ; shift += 7n) {
            const byte = this.num(1);
            v |= BigInt(byte & 127) << shift;
            need(
                v < 1n << 64n && !(byte === 0 && shift),
                'not a LEB128 in its shortest form',
            );
            if (byte < 128) return v;
        }
    }
}

/** Writes LEB128 (section 1). */
export const leb = (v, low = BigInt(v)) =>
    low < 128n ? u(1, low) : cat(u(1, (low & 127n) | 128n), leb(low >> 7n));

const IV = [
    '6a09e667f3bcc908',
    'bb67ae8584caa73b',
    '3c6ef372fe94f82b',
    'a54ff53a5f1d36f1',
    '510e527fade682d1',
    '9b05688c2b3e6c1f',
    '1f83d9abfb41bd6b',
    '5be0cd19137e2179',
]
    .flatMap((x) => [x.slice(8), x.slice(0, 8)])
    .map((x) => parseInt(x, 16));

const SIGMA = [
    '0123456789abcdef',
    'ea489fd61c02b753',
    'b8c052fdae367194',
    '7931dcbe265a40f8',
    '905724afe1bc683d',
    '2c6a0b834d75fe19',
    'c51fed4a0763928b',
    'db7ec13950f4862a',
    '6fe9b308c2d714a5',
    'a2847615fb9e3cd0',
].map((row) => [...row].map((d) => parseInt(d, 16)));

const MIX = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/** Numbers of 64 bits are two of 32 here, the low one first: v[a] += x, y. */
function add(v, a, x, y) {
    const low = v[a] + x;
    v[a + 1] += y + (low > 0xffffffff ? 1 : 0);
    v[a] = low;
}

/** v[d] = (v[d] ^ v[a]) rotated by n to the right. */
function turn(v, d, a, n) {
    const low = v[d] ^ v[a];
    const high = v[d + 1] ^ v[a + 1];
    const [x, y] = n < 32 ? [low, high] : [high, low];
    const by = n % 32;
    v[d] = by ? (x >>> by) | (y << (32 - by)) : x;
    v[d + 1] = by ? (y >>> by) | (x << (32 - by)) : y;
}

function round(v, m, sigma) {
    MIX.forEach((four, i) => {
        const [a, b, c, d] = four.map((k) => 2 * k);
        const [x, y] = [2 * sigma[2 * i], 2 * sigma[2 * i + 1]];
        add(v, a, v[b], v[b + 1]);
        add(v, a, m[x], m[x + 1]);
        turn(v, d, a, 32);
        add(v, c, v[d], v[d + 1]);
        turn(v, b, c, 24);
        add(v, a, v[b], v[b + 1]);
        add(v, a, m[y], m[y + 1]);
        turn(v, d, a, 16);
        add(v, c, v[d], v[d + 1]);
        turn(v, b, c, 63);
    });
}

/** BLAKE2b (RFC 7693) of less than 2^32 bytes, with a key or without. */
export function blake2b(size, data, key = zeros(0)) {
    const input = key.length ? cat(key, zeros(128 - key.length), data) : data;
    const h = Uint32Array.from(IV);
    const v = new Uint32Array(32);
    h[0] ^= 0x01010000 | (key.length << 8) | size;
    for (let at = 0, last = false; !last; at += 128) {
        last = at + 128 >= input.length;
        const block = cat(
            input.subarray(at, at + 128),
            zeros(Math.max(0, at + 128 - input.length)),
        );
        const m = Uint32Array.from({ length: 32 }, (_, i) => block.readUInt32LE(4 * i));
        v.set(h);
        v.set(IV, 16);
        v[24] ^= last ? input.length : at + 128;
        if (last) {
            v[28] = ~v[28];
            v[29] = ~v[29];
        }
        for (let i = 0; i < 12; i++) round(v, m, SIGMA[i % 10]);
        for (let i = 0; i < 16; i++) h[i] ^= v[i] ^ v[i + 16];
    }
    return Buffer.from(h.buffer).subarray(0, size);
}

export const H = (tag, ...data) => blake2b(32, cat(u(1, tag.length), tag, ...data));
export const K = (key, tag, ...data) =>
    blake2b(32, cat(u(1, tag.length), tag, ...data), key);

const der = (head, bytes, make, type) =>
    make({ key: cat(raw(head), bytes), format: 'der', type });

const edSecret = (seed) =>
    der('302e020100300506032b657004220420', seed, crypto.createPrivateKey, 'pkcs8');

const xSecret = (seed) =>
    der('302e020100300506032b656e04220420', seed, crypto.createPrivateKey, 'pkcs8');

const publicOf = (key) =>
    crypto.createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);

export const signKeyOf = (seed) => publicOf(edSecret(seed));
export const dhKeyOf = (seed) => publicOf(xSecret(seed));
/** Node can stand still where generateKeyPairSync() is asked for a JWK, so not by that. */
export function dhKeyPair() {
    const secret = crypto.randomBytes(32);
    return { secret, key: dhKeyOf(secret) };
}

export const sign = (seed, ...data) => crypto.sign(null, cat(...data), edSecret(seed));
/** X25519; node itself throws where the result is all zeros. */
export const dh = (secret, pub) =>
    crypto.diffieHellman({
        privateKey: xSecret(secret),
        publicKey: der('302a300506032b656e032100', pub, crypto.createPublicKey, 'spki'),
    });

const P = 2n ** 255n - 19n;
const yOf = (point) =>
    BigInt('0x' + hex(Buffer.from(point).reverse())) & (2n ** 255n - 1n);

const Y8 = yOf(raw('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
const smallOrder = (point) => [0n, 1n, P - 1n, Y8, P - Y8].includes(yOf(point) % P);
/** Ed25519 as the page wants it; S and the comparison of R are node's. */
export function verify(pub, signature, ...data) {
    need(
        yOf(pub) < P && !smallOrder(pub) && !smallOrder(signature.subarray(0, 32)),
        'a key or R of small order',
    );
    need(
        crypto.verify(
            null,
            cat(...data),
            der('302a300506032b6570032100', pub, crypto.createPublicKey, 'spki'),
            signature,
        ),
        'signature',
    );
}

/** ChaCha20-Poly1305 (IETF) with the tag behind, as Noise and XChaCha use it. */
export function chacha(seal, key, nonce, ad, text) {
    const c = crypto[seal ? 'createCipheriv' : 'createDecipheriv'](
        'chacha20-poly1305',
        key,
        nonce,
        { authTagLength: 16 },
    );
    need(seal || text.length >= 16, 'too short to be sealed');
    c.setAAD(ad, { plaintextLength: seal ? text.length : text.length - 16 });
    if (seal) return cat(c.update(text), c.final(), c.getAuthTag());
    c.setAuthTag(text.subarray(-16));
    return cat(c.update(text.subarray(0, -16)), c.final());
}

/** HChaCha20 (draft-irtf-cfrg-xchacha): the key below an XChaCha20 key. */
function hchacha(key, nonce) {
    const words = cat('expand 32-byte k', key, nonce);
    const x = Uint32Array.from({ length: 16 }, (_, i) => words.readUInt32LE(4 * i));
    const step = (a, b, d, n) => {
        x[a] += x[b];
        const y = x[d] ^ x[a];
        x[d] = (y << n) | (y >>> (32 - n));
    };
    for (let i = 0; i < 10; i++)
        MIX.forEach(([a, b, c, d]) => {
            step(a, b, d, 16);
            step(c, d, b, 12);
            step(a, b, d, 8);
            step(c, d, b, 7);
        });
    return Buffer.from(Uint32Array.of(...x.slice(0, 4), ...x.slice(12)).buffer);
}

const xchacha = (way) => (key, nonce, ad, text) =>
    chacha(
        way,
        hchacha(key, nonce.subarray(0, 16)),
        cat(zeros(4), nonce.subarray(16)),
        ad,
        text,
    );

export const seal = xchacha(true);
export const open = xchacha(false);
/** Opens a box (section 2). */
export function openBox(secret, ad, box) {
    const key = H(
        'covey/1 box',
        dh(secret, box.subarray(0, 32)),
        box.subarray(0, 32),
        dhKeyOf(secret),
    );
    return open(key, zeros(24), ad, box.subarray(32));
}
