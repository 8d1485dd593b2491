/* Makes and judges macaroons V1 with libmacaroons, whose release 0.3.0 knows no other binary format.
 * Reads and writes the lines that ../foreign.py describes, each in a child: what ends the child was not read. */

#include <macaroons.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 64

struct bytes {
    unsigned char *data;
    size_t size;
};

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct bytes unhex(const char *text) {
    struct bytes out = {calloc(1, strlen(text) / 2 + 1), strlen(text) / 2};
    for (size_t i = 0; i < out.size; ++i) {
        unsigned int byte;
        sscanf(text + 2 * i, "%2x", &byte);
        out.data[i] = (unsigned char)byte;
    }
    return out;
}

/* The library takes and gives url-safe base64. */
static char *base64(struct bytes in) {
    char *text = calloc(1, in.size * 4 / 3 + 5);
    size_t length = 0;
    unsigned int bits = 0, count = 0;
    for (size_t i = 0; i < in.size; ++i) {
        bits = bits << 8 | in.data[i];
        for (count += 8; count >= 6; count -= 6) {
            text[length++] = ALPHABET[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        text[length++] = ALPHABET[bits << (6 - count) & 63];
    }
    return text;
}

static void print_unbase64(const char *text) {
    unsigned int bits = 0, count = 0;
    for (; *text && *text != '='; ++text) {
        bits = bits << 6 | (unsigned int)(strchr(ALPHABET, *text) - ALPHABET);
        if ((count += 6) >= 8) {
            printf("%02x", bits >> (count -= 8) & 255);
        }
    }
}

static int anything(void *state, const unsigned char *predicate, size_t size) {
    (void)state, (void)predicate, (void)size;
    return 0;
}

static void print_token(const struct macaroon *token) {
    enum macaroon_returncode fault;
    size_t size = token ? macaroon_serialize_size_hint(token) : 0;
    char *text = calloc(1, size + 1);
    if (token && macaroon_serialize(token, text, size, &fault) == 0) {
        print_unbase64(text);
    } else {
        printf("-");
    }
    printf("\n");
}

static const struct macaroon *with(const struct macaroon *token, struct bytes caveat) {
    enum macaroon_returncode fault;
    return token ? macaroon_add_first_party_caveat(token, caveat.data, caveat.size, &fault) : NULL;
}

/* Root key, location, identifier, caveats. */
static void make(const char *name, struct bytes *given, int count) {
    enum macaroon_returncode fault;
    const struct macaroon *token = macaroon_create(given[1].data, given[1].size, given[0].data, given[0].size, given[2].data, given[2].size, &fault);
    for (int i = 3; i < count; ++i) {
        token = with(token, given[i]);
    }
    printf("make\t%s\t-\t", name);
    print_token(token);
}

static void attenuate(const char *name, struct bytes data, struct bytes caveat) {
    enum macaroon_returncode fault;
    printf("attenuate\t%s\t", name);
    print_token(data.size && data.data[0] == 2 ? NULL : with(macaroon_deserialize(base64(data), &fault), caveat));
}

static const char *judge(struct bytes root, struct bytes data) {
    enum macaroon_returncode fault;
    struct macaroon *token = macaroon_deserialize(base64(data), &fault);
    if (!token) {
        return "malformed";
    }
    if (macaroon_num_third_party_caveats(token) > 0) {
        return "third-party";
    }
    struct macaroon_verifier *verifier = macaroon_verifier_create();
    macaroon_verifier_satisfy_general(verifier, anything, NULL, &fault);
    return macaroon_verify(verifier, token, root.data, root.size, NULL, 0, &fault) == 0 ? "authentic" : "forged";
}

static void verify(const char *name, struct bytes root, struct bytes data) {
    printf("verify\t%s\t%s\n", name, data.size && data.data[0] == 2 ? "unsupported" : judge(root, data));
}

static void answer(char *line) {
    char *words[WORDS], *rest = line;
    struct bytes given[WORDS];
    int count = 0;
    while (count < WORDS && (words[count] = strsep(&rest, "\t"))) {
        count += 1;
    }
    for (int i = 2; i < count; ++i) {
        given[i - 2] = unhex(words[i]);
    }
    if (strcmp(words[0], "make") == 0) {
        make(words[1], given, count - 2);
    } else if (strcmp(words[0], "attenuate") == 0) {
        attenuate(words[1], given[0], given[1]);
    } else {
        verify(words[1], given[0], given[1]);
    }
}

/* Operation and name, and what stands for an answer that never came. */
static void print_crash(char *line) {
    char *operation = strsep(&line, "\t"), *name = strsep(&line, "\t");
    int making = strcmp(operation, "make") == 0;
    printf("%s\t%s\t%s\n", operation, name, making ? "-\t-" : strcmp(operation, "verify") == 0 ? "malformed" : "-");
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    printf("implementation\tlibmacaroons 0.3.0\n");
    while (getline(&line, &room, stdin) > 0) {
        int status = 0;
        line[strcspn(line, "\n")] = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            answer(line);
            fflush(stdout);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            print_crash(line);
        }
    }
    return 0;
}
