// Reads the vectors of connections (sections 11 to 13).
import crypto from 'node:crypto';
import { check, flip, mutate, notices, replaced, same, strict } from './checks.js';
import * as c from './formats.js';
import { cat, eq, hex, need, raw, u } from './primitives.js';

/** Sections 11 and 13: a whole connection; every bit of it counts. */
function talk(v, psk) {
    const side = (s) => ({
        static: raw(s.static_secret),
        ephemeral: raw(s.ephemeral_secret),
    });
    const a = side(v.initiator);
    const b = side(v.responder);
    const wire = v.frames.map((f) => raw(f.frame));
    const from = v.frames.map((f) => f.from);
    const read = (frames) => {
        const hs = c.handshake(frames.slice(0, 3), a, b, psk);
        return {
            hs,
            said: frames.slice(3).map((f, i) => {
                const m = c.message(hs.ciphers[from[i + 3]], [f]);
                const name = Object.keys(c.KINDS).find((k) => c.KINDS[k][0] === m.kind);
                return {
                    from: from[i + 3],
                    kind: m.kind,
                    name,
                    value: c.body(name, m.body),
                    body: m.body,
                };
            }),
        };
    };
    const { hs, said } = read(wire);
    const again = c.handshake(wire.slice(0, 3), a, b, psk);
    same('from', from.slice(0, 3).join(), 'initiator,responder,initiator');
    same('handshake hash', hs.hash, v.handshake_hash);
    said.forEach((m, i) =>
        same(
            `${m.name} written again`,
            cat(...c.frames(again.ciphers[m.from], m.kind, c.encode(m.value))),
            hex(wire[i + 3]),
        ),
    );
    wire.forEach((f, i) =>
        mutate(
            `frame ${i + 1}`,
            f,
            (x) => {
                read(replaced(wire, i, x));
            },
            { step: i < 3 ? 2 : 5 },
        ),
    );
    return { hs, said };
}

/** Values as text, so that two can be compared. */
const saidOf = (value) =>
    JSON.stringify(value, (_, x) => (typeof x === 'bigint' ? String(x) : x));

/** A value that was read against the same in a vector: bytes and numbers beyond 2^53 as text. */
function sameValue(what, got, said) {
    if (Buffer.isBuffer(got)) same(what, hex(got), said);
    else if (typeof got === 'bigint') same(what, String(got), String(said));
    else if (got === null || typeof got !== 'object') same(what, got, said);
    else {
        same(`${what}: how many`, Object.keys(got).length, Object.keys(said).length);
        for (const [k, x] of Object.entries(got)) sameValue(`${what}.${k}`, x, said[k]);
    }
}

export const readers = {
    proof(v) {
        // section 12
        const hash = raw(v.handshake_hash);
        const space = raw(v.space);
        same('blind by the initiator', c.blind(hash, space, 0), v.blind_by_initiator);
        same('blind by the responder', c.blind(hash, space, 1), v.blind_by_responder);
        const author = c.proof(raw(v.proof), hash, raw(v.prover), space, 0);
        same('the author of both', hex(c.carry(raw(v.carry), hash).author), hex(author));
        same('space to carry', c.carry(raw(v.carry), hash).space, v.space);
        mutate('proof', raw(v.proof), (b) => {
            c.proof(b, hash, raw(v.prover), space, 0);
        });
        mutate('carry', raw(v.carry), (b) => {
            c.carry(b, hash);
        });
        mutate('handshake hash', hash, (b) => {
            c.proof(raw(v.proof), b, raw(v.prover), space, 0);
        });
        mutate('prover', raw(v.prover), (b) => {
            c.proof(raw(v.proof), hash, b, space, 0);
        });
        return 'blinds, a proof, a request to carry';
    },
    session(v) {
        // sections 11 to 13
        const space = raw(v.space);
        const { hs, said } = talk(v);
        const noise = c.dhKeyOf(raw(v.initiator.static_secret));
        same('frame 3 proves', hs.third[0], 1);
        same(
            'frame 3: author',
            c.proof(hs.third.subarray(1), hs.after2, noise, space, 0),
            v.author,
        );
        same(
            'what is said',
            said.map((m) => m.from[0] + m.kind).join(),
            'i1,r1,i2,i3,r3,r8,i9,i14',
        );
        for (const m of said) {
            const namer = m.from === 'initiator' ? 0 : 1;
            if (m.kind === 2)
                for (const p of m.value)
                    same(
                        'PROVE: author',
                        c.proof(p, hs.hash, noise, space, namer),
                        v.author,
                    );
            if (m.kind === 3)
                same('OFFER: blind', m.value[0], hex(c.blind(hs.hash, space, namer)));
        }
        same('PONG as PING', hex(c.encode(said[6].value)), hex(c.encode(said[5].value)));
        return `handshake, its hash, ${said.length} messages: ${said.map((m) => m.name).join(' ')}`;
    },
    door(v) {
        // sections 11, 13 and 16
        const { hs, said } = talk(v, raw(v.door));
        same('invite in frame 1', hs.first, v.invite);
        same('no payload in frame 3', hs.third.length, 0);
        same(
            'DOOR_LEAVE: invite',
            said.find((m) => m.name === 'DOOR_LEAVE').value[0],
            v.invite,
        );
        same(
            'what is said',
            said.map((m) => m.from[0] + m.kind).join(),
            'i1,r1,i11,r12,i14',
        );
        return `handshake with a psk, its hash, ${said.length} messages: ${said.map((m) => m.name).join(' ')}`;
    },
    messages(v) {
        // sections 13 to 15
        for (const name of Object.keys(c.KINDS)) {
            const bytes = raw(v[name].body);
            const value = c.body(name, bytes);
            sameValue(name, value, v[name].values);
            mutate(name, bytes, (b) => saidOf(c.body(name, b)) === saidOf(value));
            if (!c.KINDS[name][2]) continue;
            same(`${name}: written again`, c.encode(value), v[name].body);
            strict(name, bytes, (b) => c.body(name, b));
        }
        return 'a body of each kind and what it says; shortened, longer forms refused';
    },
    fragments(v) {
        // section 11
        const key = raw(v.key);
        const body = Buffer.from(
            Array.from({ length: v.body_length }, (_, i) => i % 251),
        ); // section 23
        const list = c.frames(new c.Cipher(key), v.kind, body);
        const wire = cat(...list);
        same('frames', list.length, 3);
        same('length', wire.length, v.wire_length);
        same(
            'hash of the wire',
            crypto.createHash('sha256').update(wire).digest(),
            v.sha256,
        );
        const read = (fs) => {
            const m = c.message(new c.Cipher(key), fs);
            return m.kind === v.kind && eq(m.body, body);
        };
        check('put together', () => read(list));
        check('two frames exchanged', () =>
            notices(() => read([list[1], list[0], list[2]])),
        );
        check('a frame left out', () => notices(() => read(list.slice(0, 2))));
        list.forEach((f, i) =>
            mutate(`frame ${i}`, f, (b) => read(replaced(list, i, b)), { step: 6553 }),
        );
        return 'three frames written and put together again';
    },
    rekey(v) {
        // section 11
        const key = raw(v.key);
        const pair = [v.message_1024, v.message_1025].map(raw);
        const read = (fs, cipher = new c.Cipher(key, 1023)) =>
            fs.every((f) => {
                const m = c.message(cipher, [f]);
                return m.kind === v.kind && hex(m.body) === v.body;
            });
        same('next key', c.rekey(key), v.next_key);
        check('opened', () => read(pair));
        const out = new c.Cipher(key, 1023);
        pair.forEach((f, i) =>
            same(
                `message ${1024 + i}`,
                cat(...c.frames(out, v.kind, raw(v.body))),
                hex(f),
            ),
        );
        pair.forEach((f, i) =>
            mutate(`message ${1024 + i}`, f, (b) => read(replaced(pair, i, b))),
        );
        return 'the key after 1,024 messages, both messages opened and written again';
    },
};
