/* The vectors of a space's epochs: the chain of story.h, its keys, and the hash
 * of the membership after each. */
#include <sodium.h>

#include "tests/vectors/story.h"

static void emit_epoch(size_t number)
{
    struct covey_bytes bytes = buf_bytes(&epoch_bytes[number]);
    struct epoch e;

    need(epoch_read(bytes, &e));
    emit_begin(NULL, '{');
    emit_number("number", number);
    emit_bytes("bytes", bytes);
    emit_hex("hash", e.hash.b, sizeof e.hash.b);
    emit_number("key_number", e.key_number);
    emit_hex("key", epoch_keys[number].key.b, 32);
    emit_hex("history_key", epoch_keys[number].history.b, 32);
    emit_hex("commitment", e.commitment.b, sizeof e.commitment.b);
    emit_hex("membership", e.result.b, sizeof e.result.b);
    emit_end('}');
}

static void emit_chain(void)
{
    const struct party *const all[] = {&ash, &birch, &cedar, &second};

    emit_begin("epochs", '{');
    emit_hex("space", space.b, sizeof space.b);
    emit_begin("reading_secrets", '[');
    for (size_t i = 0; i < 4; i++)
        emit_hex(NULL, all[i]->secrets.reading.b, 32);
    emit_end(']');
    emit_begin("epochs", '[');
    for (size_t i = 0; i < EPOCHS; i++)
        emit_epoch(i);
    emit_end(']');
    emit_end('}');
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    make_parties();
    make_chain();
    emit_begin(NULL, '{');
    emit_chain();
    emit_end('}');
    putchar('\n');
    clear_chain();
    return 0;
}
