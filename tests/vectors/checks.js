// What the readers of the vectors share: counting, bit flips, and a watch over what
// of a file was looked at.
import fs from 'node:fs';
import { cat, hex, need, raw, u } from './primitives.js';

let passed = 0;
let failed = 0;
/** One check: `test` must not throw and not be false. */
export function check(what, test) {
    let why = '';
    try {
        const r = typeof test === 'function' ? test() : test;
        if (r === false) why = 'not so';
    } catch (e) {
        why = e.message;
    }
    if (why) {
        failed++;
        console.log(`  FAILED ${what}: ${why}`);
    } else passed++;
}

export const same = (what, got, expected) =>
    check(what, () =>
        need(
            Buffer.isBuffer(got) ? hex(got) === expected : got === expected,
            `${Buffer.isBuffer(got) ? hex(got) : got}, not ${expected}`,
        ),
    );

export const notices = (test) => {
    try {
        return test() === false;
    } catch {
        return true;
    }
};

export const replaced = (list, i, x) => list.map((y, j) => (j === i ? x : y));
export const flip = (bytes, i) => {
    const b = Buffer.from(bytes);
    b[i] ^= 1 << (i % 8);
    return b;
};

/** Flips one bit of every `step`th byte: `test` must throw or say false, but in the `free` bytes, which nothing protects. */
export function mutate(what, bytes, test, { step = 1, free = () => false } = {}) {
    check(`${what}, unharmed`, () => test(bytes));
    for (let i = 0; i < bytes.length; i += step)
        if (!free(i))
            check(`${what}, byte ${i} flipped`, () =>
                notices(() => test(flip(bytes, i))),
            );
}

const unread = [];
/** A vector file in which every key of every object must be looked at. */
function tracked(value, path) {
    if (value === null || typeof value !== 'object') return value;
    const left = new Set(Object.keys(value));
    const inside = {};
    unread.push(() => [...left].map((k) => `${path}.${k}`));
    return new Proxy(value, {
        get(o, k) {
            if (
                typeof k === 'symbol' ||
                !Object.hasOwn(o, k) ||
                (Array.isArray(o) && k === 'length')
            )
                return o[k];
            left.delete(k);
            return (inside[k] ??= tracked(o[k], `${path}.${k}`));
        },
    });
}

export const load = (file) =>
    tracked(JSON.parse(fs.readFileSync(new URL(`${file}.json`, import.meta.url))), file);

/** What nobody looked at, in all files that were loaded. */
export const notLookedAt = () => unread.flatMap((f) => f());
/** How many checks passed and failed until now. */
export const tally = () => ({ passed, failed });

/** Section 3: the same value in a longer form, cut short, or with a byte behind it is refused. */
export function strict(name, bytes, read) {
    for (let i = 0; i < bytes.length; i++)
        check(`${name}, cut at ${i}`, () =>
            notices(() => {
                read(bytes.subarray(0, i));
            }),
        );
    check(`${name}, a byte behind`, () =>
        notices(() => {
            read(cat(bytes, raw('00')));
        }),
    );
    check(`${name}, array16`, () =>
        notices(() => {
            read(cat(raw('dc'), u(2, bytes[0] & 15), bytes.subarray(1)));
        }),
    );
    if (bytes[1] < 0x80)
        check(`${name}, uint8`, () =>
            notices(() => {
                read(cat(bytes.subarray(0, 1), raw('cc'), bytes.subarray(1)));
            }),
        );
}
