// docs/protocol.md, sections 4 and 5: the three certificates, how they belong
// together, recovery codes, a space's id.
import { cat, dh, eq, H, hex, Layout, need, u, verify, zeros } from './primitives.js';

/** Section 4.1. `before` is the certificate before, for a later one. */
export function memberCert(bytes, before) {
    const at = new Layout(bytes);
    const c = { bytes };
    at.tag('covey/1 member');
    c.serial = at.num(4);
    c.previous = at.take(32);
    c.identity = at.take(32);
    c.recoveryHash = at.take(32);
    c.backup = at.take(32);
    const revoked = at.num(1);
    need(revoked <= 16, 'revokes too many');
    c.revoked = Array.from({ length: revoked }, () => at.take(32));
    if (c.serial) c.recovery = at.take(32);
    const signed = bytes.subarray(0, at.at);
    verify(c.recovery ?? c.identity, at.take(64), signed);
    at.end();
    c.hash = H('covey/1 member', signed);
    need(eq(c.previous, zeros(32)) === !c.serial, 'previous');
    if (before)
        need(
            c.serial === before.serial + 1 &&
                eq(c.previous, before.hash) &&
                eq(H('covey/1 recovery key', c.recovery), before.recoveryHash),
            'does not follow',
        );
    return c;
}

/** Section 4.2, but for the signature, which needs the member certificate. */
export function nodeCert(bytes, member) {
    const at = new Layout(bytes);
    const c = { bytes };
    at.tag('covey/1 node');
    for (const key of ['member', 'memberCert', 'signing', 'noise', 'reading'])
        c[key] = at.take(32);
    c.issued = at.num(8);
    verify(member.identity, at.take(64), bytes.subarray(0, -64));
    at.end();
    need(eq(c.memberCert, member.hash), 'another member certificate');
    for (const key of [c.noise, c.reading]) dh(zeros(32), key); // throws on a low order
    return c;
}

/** Section 4.3. */
export function authorCert(bytes) {
    const at = new Layout(bytes);
    const c = { bytes };
    at.tag('covey/1 author');
    c.space = at.take(16);
    c.signing = at.take(32);
    c.author = at.take(32);
    for (const key of [c.signing, c.author])
        verify(key, at.take(64), bytes.subarray(0, 96));
    at.end();
    return c;
}

/** Section 4.4. `id`: the member's, where the certificate is not a first one. */
export function papers(memberBytes, nodeBytes, authorBytes, space, id) {
    const member = memberCert(memberBytes);
    const node = nodeCert(nodeBytes, member);
    const author = authorCert(authorBytes);
    need(eq(node.member, id ?? member.hash) && (id || !member.serial), 'another member');
    need(
        eq(author.signing, node.signing) && eq(author.space, space),
        'another node or space',
    );
    return { member, node, author };
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Section 4.1: the recovery code of a seed, and the seed of a code. */
export function recoveryCode(seed) {
    const bits = BigInt(
        '0x' + hex(cat(seed, H('covey/1 recovery code', seed).subarray(0, 3))),
    );
    return Array.from(
        { length: 56 },
        (_, i) => CROCKFORD[Number((bits >> BigInt(275 - 5 * i)) & 31n)],
    )
        .join('')
        .match(/.{7}/g)
        .join('-');
}

export function recoverySeed(code) {
    const digits = [
        ...code
            .replace(/[ -]/g, '')
            .toUpperCase()
            .replace(/O/g, '0')
            .replace(/[IL]/g, '1'),
    ].map((d) => CROCKFORD.indexOf(d));
    need(digits.length === 56 && !digits.includes(-1), 'not a recovery code');
    const seed = u(
        35,
        digits.reduce((v, d) => (v << 5n) | BigInt(d), 0n),
    ).subarray(0, 32);
    need(
        recoveryCode(seed).replace(/-/g, '') === digits.map((d) => CROCKFORD[d]).join(''),
        'check of the recovery code',
    );
    return seed;
}

/** Section 5. */
export const spaceId = (salt, author) => H('covey/1 space', salt, author).subarray(0, 16);
