/* Two parties who shake hands, and what they say to each other. */
#ifndef COVEY_TESTS_SUPPORT_NOISE_H
#define COVEY_TESTS_SUPPORT_NOISE_H

#include "proto/noise.h"

#define NOISE_TEST_ROOM 512u

struct party {
    struct seed secret;
    struct noise_key key;
    struct seed ephemeral;
};

/* A party whose secrets follow from one byte. */
struct party party_of(uint8_t byte);

/* An initiator where it knows the key of another, a responder otherwise. */
void party_begin(struct noise_handshake *hs, const struct party *self,
                 const struct noise_key *remote, bool psk_mode,
                 const char *prologue);

struct pair {
    struct party i;
    struct party r;
    struct noise_handshake init;
    struct noise_handshake resp;
};

/* An initiator and a responder who fit each other, prologue "covey/1". */
struct pair pair_new(bool psk_mode);

struct noise_message {
    uint8_t bytes[NOISE_TEST_ROOM];
    size_t len;
};

struct covey_bytes message_bytes(const struct noise_message *m);
struct covey_bytes text_bytes(const char *text);

/* What the side whose turn it is says next. */
struct noise_message pair_say(struct pair *p, const char *payload);
/* The side that is to hear the message numbered `number`. */
struct noise_handshake *pair_listener(struct pair *p, int number);
/* Read a message, from and to memory of exactly its size. */
enum covey_rc pair_hear(struct noise_handshake *hs, struct covey_bytes in);
/* Say and hear one message. */
void pair_step(struct pair *p);
/* Step until the message numbered `number` is said, but not yet heard. */
struct noise_message pair_come_to(struct pair *p, int number);

struct noise_link {
    struct noise_cipher i_send;
    struct noise_cipher i_receive;
    struct noise_cipher r_send;
    struct noise_cipher r_receive;
};

/* Go through the handshake. */
struct noise_link link_up(struct pair *p);
/* One says something and the other hears just that. */
void link_talk(struct noise_cipher *from, struct noise_cipher *to);

#endif
