// docs/protocol.md, section 3: msgpack, one array in one encoding, and the shapes
// that values of it may have.
import { cat, eq, hex, Layout, need, raw, u, zeros } from './primitives.js';

/** A float64, so that 1.0 and 1 stay apart. Integers are numbers, or bigints beyond 2^53. */
export class Float {
    constructor(v) {
        this.value = v;
    }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const MAX_BYTES = 196608;

/** The head of a count: in the first byte, if below `below`, or in the least that holds it. */
function head(count, first, below, forms) {
    if (count < below) return u(1, first + count);
    const [size, form] = forms.find(([bytes]) => count < 256 ** bytes);
    return cat(u(1, form), u(size, count));
}

/** Writes one value in the one encoding there is (section 3). */
export function encode(v) {
    if (v === null) return raw('c0');
    if (typeof v === 'boolean') return raw(v ? 'c3' : 'c2');
    if (v instanceof Float) {
        const b = zeros(9);
        b[0] = 0xcb;
        b.writeDoubleBE(v.value, 1);
        return b;
    }
    if (Array.isArray(v))
        return cat(
            head(v.length, 0x90, 16, [
                [2, 0xdc],
                [4, 0xdd],
            ]),
            ...v.map(encode),
        );
    if (typeof v === 'string') {
        const b = Buffer.from(v);
        return cat(
            head(b.length, 0xa0, 32, [
                [1, 0xd9],
                [2, 0xda],
                [4, 0xdb],
            ]),
            b,
        );
    }
    if (Buffer.isBuffer(v))
        return cat(
            head(v.length, 0, 0, [
                [1, 0xc4],
                [2, 0xc5],
                [4, 0xc6],
            ]),
            v,
        );
    const n = BigInt(v);
    if (n >= -32n && n < 128n) return u(1, n & 255n);
    const i = [8n, 16n, 32n, 64n].findIndex((bits) =>
        n >= 0n ? n < 1n << bits : n >= -(1n << (bits - 1n)),
    );
    need(i >= 0, 'too great a number');
    return cat(u(1, (n >= 0n ? 0xcc : 0xd0) + i), u(1 << i, BigInt.asUintN(8 << i, n)));
}

/** Reads one array and refuses every encoding but that of encode (section 3). */
export function decode(bytes) {
    const at = new Layout(bytes);
    let count = 0;
    const value = (depth) => {
        need(++count <= 4096, 'too many values');
        const b = at.num(1);
        const list = (n) => {
            need(depth < 8 && n <= 4096, 'too deep or too many');
            return Array.from({ length: n }, () => value(depth + 1));
        };
        const str = (n) => utf8.decode(bin(n));
        const bin = (n) => {
            need(n <= MAX_BYTES, 'too long');
            return at.take(n);
        };
        const int = (n, signed) => {
            let v = BigInt('0x' + hex(at.take(n)));
            if (signed) v = BigInt.asIntN(8 * n, v);
            return BigInt(Number(v)) === v && Number.isSafeInteger(Number(v))
                ? Number(v)
                : v;
        };
        if (b < 0x80) return b;
        if (b >= 0xe0) return b - 256;
        if (b >= 0x90 && b < 0xa0) return list(b & 15);
        if (b >= 0xa0 && b < 0xc0) return str(b & 31);
        switch (b) {
            case 0xc0:
                return null;
            case 0xc2:
            case 0xc3:
                return b === 0xc3;
            case 0xc4:
            case 0xc5:
            case 0xc6:
                return bin(at.num(1 << (b - 0xc4)));
            case 0xcb: {
                const f = at.take(8).readDoubleBE(0);
                need(!Number.isNaN(f) && !Object.is(f, -0), 'NaN or -0');
                return new Float(f);
            }
            case 0xcc:
            case 0xcd:
            case 0xce:
            case 0xcf:
                return int(1 << (b - 0xcc), false);
            case 0xd0:
            case 0xd1:
            case 0xd2:
            case 0xd3:
                return int(1 << (b - 0xd0), true);
            case 0xd9:
            case 0xda:
            case 0xdb:
                return str(at.num(1 << (b - 0xd9)));
            case 0xdc:
            case 0xdd:
                return list(at.num(2 << (b - 0xdc)));
            default:
                throw new Error('msgpack of a kind that is not used');
        }
    };
    const v = value(0);
    at.end();
    need(Array.isArray(v) && eq(encode(v), bytes), 'not the one encoding');
    return v;
}

/** Shapes of msgpack values: is.tuple(is.uint(), is.bin(16))(v) throws unless v is like that. */
const whole = (v) => typeof v === 'bigint' || Number.isSafeInteger(v);
const shape = (test) => (v) => {
    need(test(v), 'another shape');
    return v;
};

export const is = {
    uint: (below = 1n << 64n, from = 0) =>
        shape((v) => whole(v) && v >= from && v < below),
    int: shape((v) => whole(v) && v >= -(1n << 63n) && v < 1n << 63n),
    bin: (n) => shape((v) => Buffer.isBuffer(v) && (n === undefined || v.length === n)),
    text: (most = MAX_BYTES) =>
        shape((v) => typeof v === 'string' && Buffer.byteLength(v) <= most),
    bool: shape((v) => typeof v === 'boolean'),
    list:
        (f, least = 0, most = 4096) =>
        (v) => {
            need(Array.isArray(v) && v.length >= least && v.length <= most, 'a list');
            v.forEach(f);
            return v;
        },
    tuple:
        (...fs) =>
        (v) => {
            need(Array.isArray(v) && v.length === fs.length, 'a tuple');
            fs.forEach((f, i) => f(v[i]));
            return v;
        },
};

export const u32 = is.uint(2 ** 32);
