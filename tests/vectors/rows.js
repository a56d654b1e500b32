// docs/protocol.md, section 20: what the writes of a row add up to.
import { encode } from './msgpack.js';
import { cat, eq, H, raw, u } from './primitives.js';

/** Columns that an insert alone sets, by table (section 19). */
const FIXED = { 1: [8], 2: [7], 3: [1, 3] };
/** A row from the parts that tell of it, each with { clock, author, name }. */
export function row(parts) {
    const stamp = (w) => cat(u(8, w.clock), w.author, w.name);
    const writes = parts.flatMap((p) =>
        p.part.cells.map((c) => ({ ...p, ...c, seen: p.part.names, stamp: stamp(p) })),
    );
    const { table, row: id } = parts[0].part;
    const made = writes.some((w) => w.column === 0 && w.value && !w.replaced.length);
    const stands = writes.filter((w) =>
        FIXED[table].includes(w.column)
            ? writes.every(
                  (o) => o.column !== w.column || Buffer.compare(w.stamp, o.stamp) <= 0,
              )
            : !writes.some(
                  (o) =>
                      o !== w &&
                      o.column === w.column &&
                      o.replaced.some((n) => eq(n, w.name)),
              ),
    );
    stands.sort((a, b) => a.column - b.column || Buffer.compare(a.stamp, b.stamp));
    const deletes = stands.filter((w) => w.column === 0 && !w.value);
    const seenBy = (w) =>
        deletes.some(
            (d) =>
                eq(d.name, w.name) ||
                Array.from({ length: d.seen.length / 16 }).some((_, i) =>
                    eq(d.seen.subarray(16 * i, 16 * i + 16), w.name),
                ),
        );
    const alive =
        made &&
        (!deletes.length ||
            stands.some(
                (w) =>
                    (w.column === 0 ? w.value : !FIXED[table].includes(w.column)) &&
                    !seenBy(w),
            ));
    const out = stands.map((w, i) =>
        cat(
            u(1, w.column),
            i && eq(stands[i - 1].stamp, w.stamp) ? u(1, 0) : cat(u(1, 1), w.stamp),
            w.column && !alive ? raw('c1') : encode(w.value),
            ...(w.column === 0 && !w.value ? [u(4, w.seen.length), w.seen] : []),
        ),
    );
    return {
        alive,
        stands,
        conflict: alive && deletes.length > 0,
        hash: H('covey/1 row', u(4, table), id, u(1, made ? 1 : 0), ...out).subarray(
            0,
            16,
        ),
    };
}

/** The digest of a space: the sum of its rows' hashes. */
export const digest = (hashes) =>
    u(
        16,
        hashes.reduce((sum, h) => sum + BigInt(`0x${h.toString('hex')}`), 0n) &
            ((1n << 128n) - 1n),
    );
