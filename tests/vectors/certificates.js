// docs/protocol.md, section 4: the three certificates, and how they belong
// together.
import assert from 'node:assert/strict';
import { H, Reader, verify } from './primitives.js';

function signedBy(key, bytes, signatureLength = 64) {
    const text = bytes.subarray(0, bytes.length - signatureLength);

    assert(verify(key, text, bytes.subarray(text.length).subarray(0, 64)),
        'the signature does not match');
}

// previous: the bytes of the certificate before this one, for a later one.
export function memberCertificate(bytes, previous) {
    const r = new Reader(bytes);

    r.tag('covey/1 member');

    const cert = {
        serial: r.u32(), previous: r.take(32), identity: r.take(32),
        recoveryHash: r.take(32), backup: r.take(32),
    };
    const count = r.u8();

    assert(count <= 16);
    cert.revoked = Array.from({ length: count }, () => r.hex(32));
    cert.signer = cert.serial > 0 ? r.take(32) : cert.identity;
    r.take(64);
    r.end();
    signedBy(cert.signer, bytes);
    cert.hash = H('covey/1 member', bytes.subarray(0, bytes.length - 64));
    assert.equal(cert.serial === 0, cert.previous.equals(Buffer.alloc(32)));
    if (previous === undefined) return cert;

    const before = memberCertificate(previous);

    assert.equal(cert.serial, before.serial + 1);
    assert.deepEqual(cert.previous, before.hash);
    assert.deepEqual(H('covey/1 recovery key', cert.signer),
        before.recoveryHash);
    return cert;
}

export function nodeCertificate(bytes, identity) {
    const r = new Reader(bytes);

    r.tag('covey/1 node');

    const cert = {
        member: r.take(32), memberCert: r.take(32), sign: r.take(32),
        noise: r.take(32), reading: r.take(32), issued: r.u64(),
    };

    r.take(64);
    r.end();
    signedBy(identity, bytes);
    return cert;
}

export function authorCertificate(bytes) {
    const r = new Reader(bytes);

    r.tag('covey/1 author');

    const cert = { space: r.take(16), node: r.take(32), author: r.take(32) };

    r.take(128);
    r.end();
    signedBy(cert.node, bytes, 128);
    assert(verify(cert.author, bytes.subarray(0, 96), bytes.subarray(160)));
    return cert;
}

// Section 4.4.  member: its id where the certificate is not the first one.
export function papers(space, memberBytes, nodeBytes, authorBytes, member) {
    const cert = memberCertificate(memberBytes);
    const node = nodeCertificate(nodeBytes, cert.identity);
    const author = authorCertificate(authorBytes);

    assert.deepEqual(node.memberCert, cert.hash);
    assert.deepEqual(node.member, cert.serial === 0 ? cert.hash : member);
    assert.deepEqual(author.node, node.sign);
    assert.deepEqual(author.space, space);
    return { node, author };
}
