// Reads the vectors of a space: who is who, epochs, joining (sections 4, 5, 9, 10).
import { check, flip, mutate, notices, same } from './checks.js';
import * as c from './formats.js';
import { cat, eq, hex, need, raw, u } from './primitives.js';

/** What carriers see of a state, as bytes. */
const clearOf = (s) =>
    c.encode([
        s.authors.map((a) => [a.key, a.slot, a.rights, a.since, a.cut, a.cuts]),
        s.carriers.map((x) => [x.key, x.present]),
        s.invites.map((x) => [x.id, x.door, x.expires, x.state]),
    ]);

/** Opens the boxes of an epoch with the secrets at hand, and keeps the keys in force. */
function takeKeys(chain, e, x, secrets) {
    for (const secret of secrets) {
        const b = c.openEpochBox(e, secret);
        if (!b) continue;
        chain.boxes++;
        same(`${x.number}: key in a box`, b.key, x.key);
        check(`${x.number}: history key in a box`, () =>
            [x.history_key, '00'.repeat(32)].includes(hex(b.history)),
        );
        if (
            !chain.keys ||
            e.keyNumber !== chain.keys.keyNumber ||
            eq(chain.keys.history, c.zeros(32))
        )
            chain.keys = b;
    }
    same(`${x.number}: key in force`, chain.keys.key, x.key);
    same(`${x.number}: history key in force`, chain.keys.history, x.history_key);
    same(`${x.number}: commitment`, c.commitment(e, chain.keys.key), x.commitment);
}

/** Each box is a present node's, and has the history key only for one that may read back. */
function boxesFit(what, state, e, secrets) {
    for (const secret of secrets) {
        const b = c.openEpochBox(e, secret);
        const node = state.nodes.find((n) => eq(n.cert.reading, c.dhKeyOf(secret)));
        if (b)
            check(
                `${what}: from now on`,
                () => node.present && node.fromNowOn === eq(b.history, c.zeros(32)),
            );
    }
    const hints = secrets.map((s) =>
        hex(c.H('covey/1 hint', c.dhKeyOf(s), e.space, u(8, e.number)).subarray(0, 8)),
    );
    check(`${what}: every box has a reader here`, () =>
        e.boxes.every(([h]) => hints.includes(hex(h))),
    );
}

/** An author key, its seed and its certificate. */
function author(name, a, label, space) {
    const author = c.authorCert(raw(a.certificate));
    const first = raw(a.certificate).subarray(0, 96);
    same(`${name}: label`, a.label, label);
    same(
        `${name}: seed`,
        c.K(raw(a.node_secret), 'covey/1 author', raw(a.label)),
        a.seed,
    );
    same(`${name}: key`, c.signKeyOf(raw(a.seed)), a.key);
    same(`${name}: key in the certificate`, author.author, a.key);
    same(`${name}: space`, author.space, space);
    same(`${name}: node's key`, author.signing, hex(c.signKeyOf(raw(a.node_secret))));
    same(
        `${name}, signed again`,
        cat(first, c.sign(raw(a.node_secret), first), c.sign(raw(a.seed), first)),
        a.certificate,
    );
    mutate(`${name}: certificate`, raw(a.certificate), c.authorCert);
}

export const readers = {
    identity(v) {
        // sections 4 and 5
        const { member: m, renewed: r, node: n } = v;
        const cert = c.memberCert(raw(m.certificate));
        const next = c.memberCert(raw(r.certificate), cert);
        same('member id', cert.hash, m.id);
        same('renewed hash', next.hash, r.hash);
        for (const [name, x, which] of [
            ['member', m, cert],
            ['renewed', r, next],
        ]) {
            const seed = raw(x.recovery_seed);
            same(
                `${name}: identity key`,
                c.signKeyOf(raw(x.identity_secret)),
                hex(which.identity),
            );
            same(
                `${name}: recovery hash`,
                c.H(
                    'covey/1 recovery key',
                    c.signKeyOf(c.K(seed, 'covey/1 recovery sign')),
                ),
                hex(which.recoveryHash),
            );
            same(
                `${name}: backup key`,
                c.dhKeyOf(c.K(seed, 'covey/1 recovery backup')),
                hex(which.backup),
            );
        }
        same(
            'member, signed again',
            c.sign(raw(m.identity_secret), raw(m.certificate).subarray(0, -64)),
            hex(raw(m.certificate).subarray(-64)),
        );
        same(
            'renewed, signed again',
            c.sign(
                c.K(raw(m.recovery_seed), 'covey/1 recovery sign'),
                raw(r.certificate).subarray(0, -64),
            ),
            hex(raw(r.certificate).subarray(-64)),
        );
        same('recovery code', c.recoveryCode(raw(m.recovery_seed)), m.recovery_code);
        same(
            'recovery seed',
            c.recoverySeed(
                ` ${m.recovery_code.toLowerCase().replace(/0/, 'o').replace(/1/, 'L').replace(/-/g, ' -')}`,
            ),
            m.recovery_seed,
        );
        [...m.recovery_code].forEach(
            (d, i) =>
                d !== '-' &&
                check(`recovery code, digit ${i} changed`, () =>
                    notices(() =>
                        c.recoverySeed(
                            m.recovery_code.slice(0, i) +
                                (d === 'Z' ? 'Y' : 'Z') +
                                m.recovery_code.slice(i + 1),
                        ),
                    ),
                ),
        );
        const node = c.nodeCert(raw(n.certificate), cert);
        same('node: signing key', c.signKeyOf(raw(n.sign_secret)), hex(node.signing));
        same('node: noise key', c.dhKeyOf(raw(n.noise_secret)), hex(node.noise));
        same('node: reading key', c.dhKeyOf(raw(n.reading_secret)), hex(node.reading));
        same('node: issued', Number(node.issued), n.issued_ms);
        same(
            'node, signed again',
            c.sign(raw(m.identity_secret), raw(n.certificate).subarray(0, -64)),
            hex(node.bytes.subarray(-64)),
        );
        same('space', c.spaceId(raw(v.salt), raw(v.founder.key)), v.space);
        check(
            'revokes the node',
            next.revoked.some((k) => eq(k, node.signing)),
        );
        author('founder', v.founder, v.salt, v.space);
        author('other', v.other, v.space, v.space);
        check('papers', () =>
            c.papers(
                raw(m.certificate),
                raw(n.certificate),
                raw(v.founder.certificate),
                raw(v.space),
            ),
        );
        check('papers of others', () =>
            notices(() =>
                c.papers(
                    raw(m.certificate),
                    raw(n.certificate),
                    raw(v.other.certificate),
                    raw(v.space),
                ),
            ),
        );
        mutate('member', raw(m.certificate), (b) => c.memberCert(b));
        mutate('renewed', raw(r.certificate), (b) => c.memberCert(b, cert));
        mutate('node', raw(n.certificate), (b) => c.nodeCert(b, cert));
        return 'certificates and all keys in them, recovery code, author keys, space id; papers';
    },
    epochs(v, all) {
        // section 9
        const secrets = v.reading_secrets.map(raw);
        const kinds = new Set();
        const chain = {
            state: { space: raw(v.space), authors: [] },
            keys: undefined,
            boxes: 0,
        };
        let carrier = chain.state;
        v.epochs.forEach((x, i) => {
            const bytes = raw(x.bytes);
            const before = chain.state;
            const e = c.epoch(bytes);
            const had = chain.keys;
            same(`${i}: number`, e.number, x.number);
            same(`${i}: hash`, e.hash, x.hash);
            same(`${i}: key number`, e.keyNumber, x.key_number);
            same(`${i}: commitment in the epoch`, e.commitment, x.commitment);
            takeKeys(chain, e, x, secrets);
            if (e.history.length) {
                const was = c.openHistory(e, chain.keys.history);
                check(
                    `${i}: history`,
                    eq(was.key, had.key) &&
                        eq(was.history, had.history) &&
                        was.keyNumber === had.keyNumber,
                );
            }
            chain.state = c.fold(before, e, chain.keys.key);
            carrier = c.fold(carrier, e);
            [...e.changes, ...e.sealedChanges].forEach((ch) => kinds.add(ch[0]));
            same(`${i}: membership`, c.membership(chain.state), x.membership);
            same(
                `${i}: what a carrier knows`,
                hex(clearOf(carrier)),
                hex(clearOf(chain.state)),
            );
            boxesFit(`${i}`, chain.state, e, secrets);
            mutate(
                `${i}: epoch`,
                bytes,
                (b) => {
                    c.fold(before, c.epoch(b), chain.keys.key);
                },
                { step: 7 },
            );
        });
        check(
            `changes of all kinds: ${[...kinds].sort((a, b) => a - b)}`,
            [0, 1, 2, 3, 4, 5, 6, 7, 32, 33, 34, 35, 36, 37, 38].every((k) =>
                kinds.has(k),
            ),
        );
        const [open] = chain.state.invites; // the ticket of ticket.json is for the first invite
        check(
            'invite of the ticket',
            () =>
                hex(open.id) === all.ticket.invite &&
                hex(open.door) === all.ticket.door &&
                open.expires === all.ticket.expires_ms,
        );
        return `${v.epochs.length} epochs folded by a reader and a carrier; hashes, signatures, ${chain.boxes} boxes, history, memberships`;
    },
    ticket(v) {
        // section 10.1
        const t = c.ticket(v.text);
        for (const k of ['space', 'secret', 'chair', 'invite', 'door', 'join'])
            same(k, t[k], v[k]);
        same('expires', t.expires, v.expires_ms);
        same('addresses', t.addresses.length, v.addresses.length);
        v.addresses.forEach((a, i) => same('address', t.addresses[i], a));
        same(
            'broken over lines',
            c.ticket(`\n ${v.text.replace(/.{20}/g, '$&\r\n\t')}`).secret,
            v.secret,
        );
        [...v.text].forEach((d, i) =>
            check(`letter ${i} changed`, () =>
                notices(() =>
                    c.ticket(
                        v.text.slice(0, i) +
                            (d === 'A' ? 'B' : 'A') +
                            v.text.slice(i + 1),
                    ),
                ),
            ),
        );
        return 'fields, check, keys from the secret';
    },
    request(v, all) {
        // section 10.3
        const read = (b) =>
            c.request(b, raw(v.reading_secret), raw(v.invite), raw(v.join));
        const r = read(raw(v.sealed));
        same('kind', r.kind, v.kind);
        same('URN', r.urn, v.urn);
        same('name', r.name, v.name);
        same('address', r.where, v.address);
        same('space', r.space, all.ticket.space);
        same('invite of the ticket', v.invite, all.ticket.invite);
        same('join key of the ticket', v.join, all.ticket.join);
        same(
            "the chair's reading key",
            c.dhKeyOf(raw(v.reading_secret)),
            all.ticket.chair,
        );
        mutate(
            'sealed',
            raw(v.sealed),
            (b) => {
                read(b);
            },
            { step: 3 },
        );
        check('another invite', () =>
            notices(() =>
                c.request(
                    raw(v.sealed),
                    raw(v.reading_secret),
                    flip(raw(v.invite), 0),
                    raw(v.join),
                ),
            ),
        );
        check('another join key', () =>
            notices(() =>
                c.request(
                    raw(v.sealed),
                    raw(v.reading_secret),
                    raw(v.invite),
                    flip(raw(v.join), 0),
                ),
            ),
        );
        return 'box opened, code, papers';
    },
};
