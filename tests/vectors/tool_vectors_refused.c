/* The vectors of what must be refused, and of what stands at the very edge and
 * must be taken: forms of bytes, most of them written by hand. */
#include <sodium.h>

#include "proto/payload.h"
#include "tests/vectors/readers.h"
#include "tests/vectors/refused.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum {
    MSGPACK,
    LEB,
    HEADER,
    PAYLOAD,
    SEALED,
    ROWPART,
    ADDRESS,
    TICKET,
    SIGNATURE,
    POINT,
    FRAMES,
    BATCH,
    FRONTIER,
    HELLO,
    PROVE,
    OFFER,
    EPOCHS_BODY,
    ACK,
    PING,
    DOOR_LEAVE,
    CLOSE,
};

static const struct format formats[] = {
    [MSGPACK] = {"msgpack", takes_msgpack},
    [LEB] = {"leb128", takes_leb},
    [HEADER] = {"header", takes_header},
    [PAYLOAD] = {"payload", takes_payload},
    [SEALED] = {"sealed payload", takes_sealed},
    [ROWPART] = {"rowpart", takes_rowpart},
    [ADDRESS] = {"address", takes_address},
    [TICKET] = {"ticket", takes_ticket},
    [SIGNATURE] = {"signature", takes_signature},
    [POINT] = {"x25519", takes_point},
    [FRAMES] = {"frames", takes_frames},
    [BATCH] = {"BATCH", takes_batch},
    [FRONTIER] = {"FRONTIER", takes_frontier},
    [HELLO] = {"HELLO", takes_hello},
    [PROVE] = {"PROVE", takes_prove},
    [OFFER] = {"OFFER", takes_offer},
    [EPOCHS_BODY] = {"EPOCHS", takes_epochs},
    [ACK] = {"ACK", takes_ack},
    [PING] = {"PING", takes_ping},
    [DOOR_LEAVE] = {"DOOR_LEAVE", takes_leave},
    [CLOSE] = {"CLOSE", takes_close},
};

/* ---- written by hand ---- */

struct by_hand {
    int format;
    const char *what;
    const char *hex;
};

#define Z8 "0000000000000000"
#define Z16 Z8 Z8
#define Z32 Z16 Z16
#define BLIND "c410" Z16
#define ROW "c414019b778dac0065f8c63d64ec0102030405060708"
#define NAME1 "c410a1000000000000000000000000000000"
#define NAME2 "c420" Z16 "a1000000000000000000000000000000"
#define HEAD Z16 "00000001"
#define LOG Z32 Z8
#define END "0000" Z32 Z32          /* no cites, no payload */
#define FIRST "0b" LOG "05" Z32 END /* number 5 */

static const struct by_hand refused[] = {
    {MSGPACK, "no array", "01"},
    {MSGPACK, "a byte behind", "9000"},
    {MSGPACK, "cut short", "9201"},
    {MSGPACK, "uint8 of a fixint", "91cc7f"},
    {MSGPACK, "uint16 of a uint8", "91cd00ff"},
    {MSGPACK, "uint32 of a uint16", "91ce0000ffff"},
    {MSGPACK, "uint64 of a uint32", "91cf00000000ffffffff"},
    {MSGPACK, "int8 of a fixint", "91d0e0"},
    {MSGPACK, "int16 of an int8", "91d1ff80"},
    {MSGPACK, "int16 of a uint8", "91d100ff"},
    {MSGPACK, "int32 of an int16", "91d2ffff8000"},
    {MSGPACK, "int64 of an int32", "91d3ffffffff80000000"},
    {MSGPACK, "str8 of a fixstr", "91d90161"},
    {MSGPACK, "str16 of a fixstr", "91da000161"},
    {MSGPACK, "bin16 of a bin8", "91c5000161"},
    {MSGPACK, "bin32 of a bin8", "91c60000000161"},
    {MSGPACK, "array16 of a fixarray", "dc000101"},
    {MSGPACK, "array32 of a fixarray", "dd0000000101"},
    {MSGPACK, "float32", "91ca3f800000"},
    {MSGPACK, "not a number", "91cb7ff8000000000000"},
    {MSGPACK, "-0.0", "91cb8000000000000000"},
    {MSGPACK, "a map", "9180"},
    {MSGPACK, "an ext", "91d40000"},
    {MSGPACK, "c1", "91c1"},
    {MSGPACK, "text in an overlong form", "91a2c080"},
    {MSGPACK, "a surrogate", "91a3eda080"},
    {MSGPACK, "above U+10FFFF", "91a4f4908080"},
    {MSGPACK, "nine arrays inside each other", "919191919191919190"},
    {LEB, "0 in two bytes", "8000"},
    {LEB, "127 in two bytes", "ff00"},
    {LEB, "cut short", "80"},
    {LEB, "2^64", "80808080808080808002"},
    {LEB, "eleven bytes", "8080808080808080808001"},
    {ROWPART, "three values", "9301" ROW "c400"},
    {ROWPART, "table 2^32", "94cf0000000100000000" ROW "c4009301a161c0"},
    {ROWPART, "a row id of 19 bytes", "9401c413" Z16 "000000c4009301a161c0"},
    {ROWPART, "names of 15 bytes",
     "9401" ROW "c40f" Z8 "000000000000009301a161c0"},
    {ROWPART, "no cells", "9401" ROW "c40090"},
    {ROWPART, "a cell of two values", "9401" ROW "c4009201a161"},
    {ROWPART, "column 64", "9401" ROW "c4009340a161c0"},
    {ROWPART, "columns that do not ascend",
     "9401" ROW "c4009602a161c001a161c0"},
    {ROWPART, "a column twice", "9401" ROW "c4009601a161c001a162c0"},
    {ROWPART, "an existence that is no bool", "9401" ROW "c4009300c0c0"},
    {ROWPART, "a binary value", "9401" ROW "c4009301c40161c0"},
    {ROWPART, "an array for a value", "9401" ROW "c400930190c0"},
    {ROWPART, "a number of 2^63", "9401" ROW "c4009301cf8000000000000000c0"},
    {ROWPART, "an index beyond the names", "9401" ROW NAME1 "9301a16101"},
    {ROWPART, "a list of one index", "9401" ROW NAME1 "9301a1619100"},
    {ROWPART, "indexes that do not ascend", "9401" ROW NAME2 "9301a161920100"},
    {ROWPART, "an index twice", "9401" ROW NAME2 "9301a161920000"},
    {ROWPART, "an index below 0", "9401" ROW NAME1 "9301a161ff"},
    {POINT, "0", Z32},
    {POINT, "1",
     "01000000000000"
     "00" Z8 Z16},
    {POINT, "of order 8",
     "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"},
    {POINT, "of order 8, the other",
     "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"},
    {POINT, "p - 1",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
    {POINT, "p",
     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
    {POINT, "p + 1",
     "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
    {BATCH, "cut short in its head", Z16 "000000"},
    {BATCH, "flags above 15", HEAD "1b" LOG "05" Z32 END},
    {BATCH, "a log named anew", HEAD FIRST "03" LOG "07" END},
    {BATCH, "an index that no log has", HEAD FIRST "0001" END},
    {BATCH, "a new log without a number", HEAD "09" LOG Z32 END},
    {BATCH, "the number that is due", HEAD FIRST "020006" END},
    {BATCH, "number 0", HEAD "0b" LOG "00" Z32 END},
    {BATCH, "number 2^64", HEAD "0b" LOG "80808080808080808002" Z32 END},
    {BATCH, "what follows number 2^64 - 1",
     HEAD "0b" LOG "ffffffffffffffffff01" Z32 END "0000" END},
    {BATCH, "a number in a longer form", HEAD "0b" LOG "8500" Z32 END},
    {BATCH, "number 1 without its previous hash", HEAD "0b" LOG "01" Z32 END},
    {BATCH, "an epoch said again", HEAD FIRST "0800" Z32 END},
    {BATCH, "a first record without an epoch", HEAD "03" LOG "05" END},
    {BATCH, "a cite before the batch", HEAD "0b" LOG "05" Z32 "010100" Z32 Z32},
    {BATCH, "a record cited twice", HEAD FIRST "000002010100" Z32 Z32},
    {BATCH, "a hash cited twice",
     HEAD "0b" LOG "05" Z32 "0200" Z32 "00" Z32 "00" Z32 Z32},
    {BATCH, "a payload too long", HEAD "0b" LOG "05" Z32 "00818010" Z32 Z32},
    {BATCH, "a signature cut short", HEAD "0b" LOG "05" Z32 "0000" Z32 Z16},
    {FRONTIER, "last is 2", Z16 "02"},
    {FRONTIER, "number 0", Z16 "01" Z32 Z8 Z8 Z32},
    {FRONTIER, "half an entry", Z16 "01" Z32 Z8},
    {HELLO, "versions the wrong way round", "940201a16100"},
    {HELLO, "three values", "930101a161"},
    {HELLO, "a control character", "940101a10a00"},
    {HELLO, "a wall time below 0", "940101a161ff"},
    {HELLO, "version 2^32", "9401cf0000000100000000a16100"},
    {PROVE, "a proof of 16 bytes", "91" BLIND},
    {OFFER, "1 for true", "95" BLIND "04c420" Z32 "c420" Z32 "01"},
    {OFFER, "a hash of 16 bytes", "95" BLIND "04" BLIND "c420" Z32 "c3"},
    {EPOCHS_BODY, "an epoch that is text", "92" BLIND "91a161"},
    {ACK, "sequence 2^32", "92" BLIND "cf0000000100000000"},
    {PING, "no nonce", "90"},
    {PING, "a nonce below 0", "91ff"},
    {DOOR_LEAVE, "no request", "91" BLIND},
    {CLOSE, "no text", "920bc0"},
    {CLOSE, "a control character", "920ba2c285"},
};

static const struct by_hand taken[] = {
    {MSGPACK, "1.0 stays a float", "91cb3ff0000000000000"},
    {MSGPACK, "infinity", "91cb7ff0000000000000"},
    {MSGPACK, "2^64 - 1 and -2^63", "92cfffffffffffffffffd38000000000000000"},
    {MSGPACK, "eight arrays inside each other", "9191919191919190"},
    {LEB, "0", "00"},
    {LEB, "2^64 - 1", "ffffffffffffffffff01"},
    {ROWPART, "names that repeat and are not used",
     "9401" ROW NAME2 "9301a161c0"},
    {ROWPART, "a delete with a cell beside it",
     "9401" ROW "c4009600c2c001a161c0"},
    {ROWPART, "numbers at their ends",
     "94ceffffffff" ROW "c4009601cf7fffffffffffffffc03fd38000000000000000c0"},
    {BATCH, "no records", HEAD},
    {BATCH, "number 2^64 - 1", HEAD "0b" LOG "ffffffffffffffffff01" Z32 END},
    {BATCH, "a previous without need", HEAD FIRST "0400" Z32 END},
    {FRONTIER, "no entries", Z16 "01"},
    {FRONTIER, "an entry twice",
     Z16 "00" Z32 Z8 "0000000000000001" Z32 Z32 Z8 "0000000000000001" Z32},
    {HELLO, "a fifth value", "950101a16100c0"},
    {PROVE, "no proofs", "90"},
    {EPOCHS_BODY, "no epochs", "92" BLIND "90"},
    {PING, "nonce 2^64 - 1", "91cfffffffffffffffff"},
};

static void emit_by_hand(const struct by_hand *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit_input_hex(&formats[list[i].format], list[i].what, list[i].hex);
}

/* ---- addresses ---- */

static const char *const no_addresses[] = {
    "ash.example",
    "ash.example:",
    "ash.example:0",
    "ash.example:65536",
    "ash.example:04747",
    "ash.example:+1",
    ":4747",
    "1.2.3:4747",
    "1.2.3.256:4747",
    "1.2.3.04:4747",
    "1.2.3.4.5:4747",
    "1..3.4:4747",
    "[::1:4747",
    "::1:4747",
    "[]:4747",
    "[:]:4747",
    "[1::2::3]:4747",
    "[1:2:3:4:5:6:7]:4747",
    "[1:2:3:4:5:6:7:8:9]:4747",
    "[1:2:3:4::5:6:7:8]:4747",
    "[:1:2:3:4:5:6:7]:4747",
    "[1:2:3:4:5:6:7:]:4747",
    "[:::1]:4747",
    "[::1.2.3.4]:4747",
    "[12345::]:4747",
    "[fe80::1%1]:4747",
    "[::g]:4747",
    "-ash.example:4747",
    "ash-.example:4747",
    "ash..example:4747",
    "ash.example.:4747",
    ".ash.example:4747",
    "ash example:4747",
    "schule-m\xc3\xbcnchen:4747",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:4747",
};

static const char *const addresses[] = {
    "0.0.0.0:1",
    "255.255.255.255:65535",
    "[::]:4747",
    "[1:2:3:4:5:6:7::]:4747",
    "[::2:3:4:5:6:7:8]:4747",
    "[ABCD:ef01:2:3:4:5:6:0007]:4747",
    "a.1:4747",
    "_x-1.example:4747",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:4747",
};

static void emit_addresses(const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit_input(&formats[ADDRESS], list[i], bytes_of(list[i]));
}

/* ---- bent ---- */

/* A good one with one byte changed. */
static void emit_bent(int format, const char *what, struct covey_bytes good,
                      size_t at, uint8_t byte)
{
    struct covey_buf bent = heap_buf();

    buf_append(&bent, good.p, good.len);
    bent.p[at] = byte;
    emit_input(&formats[format], what, buf_bytes(&bent));
    buf_clear(&bent);
}

static void emit_headers(void)
{
    uint8_t bytes[HEADER_MAX];
    struct header h = sealed_header();

    h.cite_count = 2;
    h.cites[0] = (struct hash){{0x0c, 2}};
    h.cites[1] = (struct hash){{0x0c, 3}};

    struct covey_bytes good = {bytes, header_write(&h, bytes)};
    struct covey_bytes less = {bytes, good.len - 1};
    size_t clock = header_ad_len(&h) - 8;

    emit_bent(HEADER, "another tag", good, 15, 1);
    emit_bent(HEADER, "number 0", good, 79, 0);
    emit_bent(HEADER, "clock 0", good, clock + 7, 0);
    emit_bent(HEADER, "a cite twice", good, 146 + 32, 2);
    emit_bent(HEADER, "cites that do not ascend", good, 146 + 32, 1);
    emit_bent(HEADER, "one cite less than it says", good, 144, 3);
    emit_bent(HEADER, "a payload of 2^24 bytes", good, clock + 8, 1);
    emit_input(&formats[HEADER], "cut short", less);
}

static void emit_payloads(void)
{
    uint8_t bytes[26 + 4 + 33 + 4 + 33] = {[25] = 2, [29] = 33, [66] = 33};
    struct covey_bytes good = {bytes, sizeof bytes};

    emit_bent(PAYLOAD, "no parts", good, 25, 0);
    emit_bent(PAYLOAD, "one part more than it has", good, 25, 3);
    emit_bent(PAYLOAD, "a part less than it has", good, 25, 1);
    emit_bent(PAYLOAD, "1,026 parts", good, 24, 4);
    emit_bent(PAYLOAD, "a part of 32 bytes", good, 66, 32);
    emit_bent(PAYLOAD, "part 0 erased", good, 26, 0x80);
    emit_input(&formats[PAYLOAD], "cut short",
               (struct covey_bytes){bytes, sizeof bytes - 1});
}

/* A payload with this part 0, and a row or none. */
static void emit_sealed(const char *what, const char *first, bool has_row)
{
    const struct seed space_key = filled(0xa0);
    struct header h = sealed_header();
    uint8_t head[PAYLOAD_HEAD] = {0x11, [25] = has_row ? 2 : 1};
    struct hash drawn =
        hash_keyed(&space_key, "covey/1 payload key", head, PAYLOAD_NONCE);
    struct covey_buf out = heap_buf();
    uint8_t ad[HEADER_MAX];
    struct seed key;

    memcpy(key.b, drawn.b, sizeof key.b);
    header_write(&h, ad);
    buf_append(&out, head, sizeof head);
    for (uint8_t i = 0; i < head[25]; i++) {
        uint8_t plain[64] = {i};
        uint8_t nonce[PAYLOAD_NONCE] = {[23] = i};
        size_t len = i == 0 ? strlen(first) / 2 : 1;
        uint8_t frame[4];

        if (i == 0 && !hex_decode(first, plain + PART_SALT, len))
            need(COVEY_EBAD);
        put_u32(frame, (uint32_t)(PART_SALT + len + SEAL_OVERHEAD));
        buf_append(&out, frame, sizeof frame);
        aead_seal(&key, nonce, (struct covey_bytes){ad, header_ad_len(&h)},
                  (struct covey_bytes){plain, PART_SALT + len},
                  buf_extend(&out, PART_SALT + len + SEAL_OVERHEAD));
    }
    emit_input(&formats[SEALED], what, buf_bytes(&out));
    buf_clear(&out);
}

static void emit_ticket_text(const char *what, const char *text)
{
    emit_input(&formats[TICKET], what, bytes_of(text));
}

static void emit_tickets(bool good)
{
    const struct ticket t = {.secret = filled(0x71)};
    char text[TICKET_TEXT_MAX];
    char spread[2 * TICKET_TEXT_MAX];

    ticket_write(&t, text);

    size_t len = strlen(text);

    snprintf(spread, sizeof spread, " \t%.8s\r\n %s \n", text, text + 8);
    if (good) {
        emit_ticket_text("blanks around it and in it", spread);
        return;
    }
    snprintf(spread, sizeof spread, "cov ey1%s", text + 6);
    emit_ticket_text("a blank in covey1", spread);
    snprintf(spread, sizeof spread, "%s=", text);
    emit_ticket_text("padding", spread);
    snprintf(spread, sizeof spread, "Covey1%s", text + 6);
    emit_ticket_text("a capital letter", spread);
    text[len - 1]++; /* the last digit has bits to spare */
    emit_ticket_text("an unused bit that is set", text);
    text[len - 1]--;
    text[20] = text[20] == 'A' ? 'B' : 'A';
    emit_ticket_text("another letter", text);
}

/* ---- signatures that add up and are refused all the same ---- */

static void emit_signature(const char *what, const uint8_t key[32],
                           const uint8_t r[32], const uint8_t s[32])
{
    struct covey_buf out = heap_buf();

    buf_append(&out, key, 32);
    buf_append(&out, r, 32);
    buf_append(&out, s, 32);
    buf_append(&out, "covey", 5);
    emit_input(&formats[SIGNATURE], what, buf_bytes(&out));
    buf_clear(&out);
}

/* k and a of RFC 8032: S of a signature whose R is the neutral point. */
static void s_of_neutral(const struct sign_pair *pair, const uint8_t r[32],
                         uint8_t s[32])
{
    uint8_t digest[64], wide[64] = {0}, k[32], a[32], text[32 + 32 + 5];

    memcpy(text, r, 32);
    memcpy(text + 32, pair->key.b, 32);
    memcpy(text + 64, "covey", 5);
    crypto_hash_sha512(digest, text, sizeof text);
    crypto_core_ed25519_scalar_reduce(k, digest);
    crypto_hash_sha512(digest, pair->secret, 32);
    memcpy(wide, digest, 32);
    wide[0] &= 248;
    wide[31] = (wide[31] & 127) | 64;
    crypto_core_ed25519_scalar_reduce(a, wide);
    crypto_core_ed25519_scalar_mul(s, k, a);
}

static void emit_signatures(void)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    static const uint8_t neutral[32] = {1};
    static const uint8_t two[32] = {2};
    uint8_t other[32]; /* the neutral point, written as p + 1 */
    uint8_t s[32], r[32];
    const struct sign_pair pair = author_of(0x17);
    struct signature good = sign_bytes(&pair, "covey", 5);

    memset(other, 0xff, sizeof other);
    other[0] = 0xee;
    other[31] = 0x7f;
    memcpy(s, good.b + 32, 32);
    sodium_add(s, order, 32);
    emit_signature("S + L", pair.key.b, good.b, s);
    if (crypto_scalarmult_ed25519_base_noclamp(r, two) != 0)
        need(COVEY_EBAD);
    emit_signature("a key of small order", neutral, r, two);
    emit_signature("a key that is not canonical", other, r, two);
    s_of_neutral(&pair, neutral, s);
    emit_signature("an R of small order", pair.key.b, neutral, s);
}

/* ---- frames ---- */

/* One message of frames with these plaintexts, in hex, with a slash between. */
static void emit_frames(const char *what, const char *plains)
{
    const struct seed key = filled(0x42);
    struct covey_buf out = heap_buf();
    struct noise_cipher cipher = {.n = 0};

    memcpy(cipher.key, key.b, sizeof key.b);
    while (*plains != '\0') {
        size_t digits = strcspn(plains, "/");
        char hex[200] = "";
        uint8_t plain[100], frame[2];

        memcpy(hex, plains, digits);
        if (!hex_decode(hex, plain, digits / 2))
            need(COVEY_EBAD);
        put_u16(frame, (uint16_t)(digits / 2 + NOISE_TAG));
        buf_append(&out, frame, sizeof frame);
        noise_encrypt(&cipher, (struct covey_bytes){plain, digits / 2},
                      buf_extend(&out, digits / 2 + NOISE_TAG));
        plains += digits + (plains[digits] == '/');
    }
    emit_input(&formats[FRAMES], what, buf_bytes(&out));
    buf_clear(&out);
}

/* An array of zeros. */
static void emit_zeros(const char *what, uint16_t count)
{
    struct covey_buf out = heap_buf();
    uint8_t *p = buf_extend(&out, 3u + count);

    memset(p, 0, 3u + count);
    p[0] = 0xdc;
    put_u16(p + 1, count);
    emit_input(&formats[MSGPACK], what, buf_bytes(&out));
    buf_clear(&out);
}

/* ---- lists ---- */

static void emit_refused(void)
{
    list_taken = false;
    emit_begin("refused", '[');
    emit_by_hand(refused, COUNT_OF(refused));
    emit_addresses(no_addresses, COUNT_OF(no_addresses));
    emit_headers();
    emit_payloads();
    emit_sealed("padding that is not zero", "930001c4020001", false);
    emit_sealed("two values", "920001", false);
    emit_sealed("four values", "940001c40000", false);
    emit_sealed("an empty one with a row", "930101c400", true);
    emit_sealed("a kind below 0", "93ff01c400", false);
    emit_sealed("a newer kind that is no msgpack", "9302", false);
    emit_zeros("4,097 values", 4096);
    emit_tickets(false);
    emit_signatures();
    emit_frames("flags 2", "02089107");
    emit_frames("a later frame of nothing", "010891/01/0007");
    emit_frames("a frame of nothing", "00");
    emit_frames("kind 0", "0000");
    emit_frames("kind 15", "000f");
    emit_frames("a body too long for its kind", "0008" Z32 Z32 "00");
    emit_end(']');
}

static void emit_taken(void)
{
    list_taken = true;
    emit_begin("accepted", '[');
    emit_by_hand(taken, COUNT_OF(taken));
    emit_addresses(addresses, COUNT_OF(addresses));
    emit_sealed("rows, and none there", "930001c400", false);
    emit_sealed("a newer kind and nothing behind it", "9102", true);
    emit_sealed("a newer kind with other values", "9402a161c0c3", true);
    emit_zeros("4,096 values", 4095);
    emit_tickets(true);
    emit_frames("frames that are not filled", "0108/0191/0007");
    emit_end(']');
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    emit_begin(NULL, '{');
    emit_refused();
    emit_taken();
    emit_end('}');
    putchar('\n');
    return 0;
}
