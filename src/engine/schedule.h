/* schedule.h - the policy of the engine: which requests run in a step, and which wait.
 *
 * Ideas: iteration-level scheduling (Orca, Yu et al., OSDI 2022): the batch is chosen again for every step. Chunked
 * prefill (Sarathi-Serve, Agrawal et al., OSDI 2024): decode tokens first, then chunks of prompts up to a budget of
 * tokens, so that a long prompt does not stall running answers. Preemption by swap or recompute (vLLM, Kwon et al.,
 * SOSP 2023). Fair shares by deficit round robin (Shreedhar & Varghese 1996) over tokens that were really served, as
 * a virtual token counter does (Sheng et al., OSDI 2024).
 *
 * This module has no threads, no clock and no keys and values: it works on numbers, and asks sched_memory for free blocks.
 * Tests drive it with a stub; the engine drives it with the cache.
 *
 *   a request   one to SCHED_MAX_SEQS sequences that share a prompt. Before they separate there is only one, the trunk:
 *
 *                 sched_add      sched_plan: admitted       trunk computed
 *      (new) ---> WAITING ----------> RUNNING, trunk ------------------> RUNNING, parted ---> (removed)
 *                    ^                    |   ^  sched_split or by itself    |      sched_remove, from any state
 *                    |   recompute        |   |                             |
 *                    +--------------------+---|-----------------------------+
 *                                             |        swap
 *                                          SWAPPED <------------------------+
 *
 *   a sequence  n_known tokens; the keys and values of n_cached < n_known of them are computed. The difference is its
 *               work: 1 is a decode step, more is a chunk of a prompt or of tokens that a preemption dropped.
 *
 * One step:   sched_plan() -> run the model over the items -> sched_commit() -> for each sequence with logits whose tokens
 *             were all kept: sched_extend() with the chosen token, or sched_end_seq(), sched_split(), sched_remove().
 *
 * The order. Rank of running requests: shielded ones first, then by priority, then by age. Work is assigned from the
 * highest rank down; when blocks run out, the lowest rank is preempted. A waiting request that does not fit preempts running
 * ones of a lower priority. Waiting requests: preempted ones before new ones
 * of their priority; new ones of one priority by fair shares of their clients. No request overtakes the next one, so a
 * large request is not starved by small ones.
 *
 * No request starves, by construction:
 *   - the highest rank always gets its blocks: all others can be preempted for it, requests in the swap tier that still
 *     hold shared blocks are recomputed for it, and a request that does not fit into the empty pool is never added. So
 *     requests end, and ranks move up.
 *   - every SCHED_TURN-th admission goes to the priority of the request that waits longest.
 *   - a request that was preempted SCHED_SHIELD times is shielded: it returns before all others, and outranks all
 *     but older shielded ones.
 *
 * Invariants, tested by sched_check():
 *   (1) a request is in either the waiting or the running list, by its state; the running list is in rank order.
 *   (2) the sequences that running requests hold or may open number at most max_seqs.
 *   (3) 0 <= n_cached < n_known for every live sequence; a waiting request holds no blocks; a swapped request
 *       holds at most blocks that were shared when it was swapped out.
 *   (4) a plan's items are of running requests, at most one for each live sequence, within the budget.
 * Threads: none. One caller at a time. */
#ifndef SUMI_ENGINE_SCHEDULE_H
#define SUMI_ENGINE_SCHEDULE_H

#include "sumi.h"

enum {
    SCHED_MAX_SEQS = 16, /* sequences of one request */
    SCHED_TURN = 8,      /* every 8th admission ignores priorities */
    SCHED_SHIELD = 3,    /* preemptions after which a request is shielded */
    SCHED_QUANTUM = 512, /* tokens of a client of weight 1 in one round */
    SCHED_MIN_CHUNK = 4, /* the least tokens of prompts in a step, even if this slows answers */
};

/* The client of a request. The caller's memory; initially zero, except weight. */
typedef struct sched_client {
    int32_t weight;     /* 1 .. 1000 */
    int32_t n_requests; /* waiting and running; at 0 the account is closed, and its deficit is dropped */
    int64_t deficit;    /* tokens that the client may still get in this round; negative after a long answer */
    uint64_t turn;      /* place in the round: lower is sooner */
    uint64_t stamp;     /* scratch of one choice */
    struct sched_req *head;
} sched_client;

typedef enum sched_state { SCHED_NEW, SCHED_WAITING, SCHED_RUNNING, SCHED_SWAPPED } sched_state;

typedef struct sched_seq {
    bool live;
    int32_t n_known, n_cached;
} sched_seq;

/* One request: part of the caller's object, initially zero. */
typedef struct sched_req {
    /* Set by the caller before sched_add(): */
    sched_client *client;
    int32_t n_prompt; /* > 0 */
    int32_t width;    /* most sequences at the same time, 1 .. SCHED_MAX_SEQS */
    int32_t priority; /* higher goes first */
    bool gang;        /* its sequences decode in the same steps: beam search compares them */
    bool all_rows;    /* every token of its prompt needs a row of logits: prompt log-probabilities */
    double queue_until, first_until, end_until; /* ms on the caller's clock; 0: no limit */

    /* The scheduler's: */
    sched_state state;
    sched_seq seqs[SCHED_MAX_SEQS];
    int32_t n_live;   /* sequences that have not ended */
    int32_t trunk;    /* the sequence that computes the shared tokens; -1: the sequences have separated */
    int32_t n_trunk;  /* tokens of the trunk */
    bool has_parted;  /* the sequences have separated before; a later trunk is a recomputation */
    bool was_swapped; /* swapped since it was last computed: blocks that its sequences shared may be copies now */
    int32_t n_preempted;
    int32_t n_swapped;            /* blocks held at the last preemption */
    int32_t n_hit;                /* prompt tokens found in the cache at the first admission */
    bool was_admitted, has_first; /* has_first: a token came out */
    uint64_t arrival;             /* smaller is older */
} sched_req;

/* The memory of keys and values, as the scheduler sees it. The memory defines the unit of blocks. */
typedef struct sched_memory {
    void *user;
    int32_t (*available)(void *user);                                        /* blocks that can be taken */
    int32_t (*need)(void *user, const sched_req *r, int32_t seq, int32_t n); /* blocks that n more tokens need */
    bool (*reserve)(void *user, sched_req *r, int32_t seq, int32_t n);       /* false: nothing changed */
    int32_t (*begin)(void *user, sched_req *r,
                     int32_t seq); /* opens seq; returns the number of its cached tokens, < n_trunk */
    void (*fork)(void *user, sched_req *r, int32_t from, int32_t to); /* opens `to` as a fork of `from` */
    void (*drop)(void *user, sched_req *r, int32_t seq);              /* closes seq and frees its blocks */
    bool (*swap_out)(void *user, sched_req *r); /* false: the swap tier is full; the sequences are then dropped */
    sumi_status (*swap_in)(void *user,
                           sched_req *r); /* ELIMIT: not possible yet; other errors: its data is lost and dropped */
    void (*swap_drop)(void *user, sched_req *r); /* drops a request that is swapped out */
    int32_t (*kept)(void *user,
                    const sched_req *r); /* blocks in memory that a swapped request still holds, because other
                                                        sequences shared them when it was swapped out */
    int32_t (*held)(void *user, const sched_req *r); /* blocks that its sequences hold; shared blocks count once */
} sched_memory;

typedef struct sched_limits {
    int32_t max_seqs;     /* sequences that run at once */
    int32_t max_requests; /* waiting and running ones together */
    int32_t budget;       /* tokens of a step, >= max_seqs + 1 */
    int32_t max_rows;     /* rows of logits of a step, >= max_seqs + 1 */
    double stall;         /* how much prompts may lengthen a step of running answers: 1 = twice as long; 0: no limit */
    bool chunking;        /* false: a prompt is computed in one step, whatever the budget */
    bool static_batching; /* new requests start when all running ones have ended: a baseline for comparisons */
} sched_limits;

/* Costs, measured by the caller. */
typedef struct sched_costs {
    double token_us; /* to compute one prompt token */
    double block_us; /* to move one block to the swap tier or back */
    double step_us;  /* a step of decode tokens: this, and ... */
    double seq_us;   /* ... this for each of them */
} sched_costs;

typedef struct sched_item {
    sched_req *req;
    int32_t seq;
    int32_t n_tokens; /* from seqs[seq].n_cached on */
    bool last;        /* the last token is the newest known one: its logits choose the next token */
    bool all_rows;    /* every token needs a row of logits */
    int32_t n_draft;  /* the last ones of n_tokens are guessed, and each token needs a row; see sched_draft() */
} sched_item;

/* Rows of logits that an item needs. */
static inline int32_t sched_item_rows(const sched_item *item)
{
    return item->all_rows || item->n_draft ? item->n_tokens : item->last;
}

typedef struct sched_counts {
    int32_t n_waiting, n_running, n_swapped, n_seqs; /* n_swapped: part of n_waiting; n_seqs: of running requests */
    uint64_t n_admitted, n_swap_outs, n_recomputes;
} sched_counts;

typedef struct sched sched;

SUMI_MUST_USE sumi_status sched_create(sched **out, const sched_limits *limits, const sched_memory *memory,
                                       sumi_error *err);
void sched_destroy(sched *s); /* requests must have been removed; NULL is fine */

void sched_set_costs(sched *s, sched_costs costs);

/* Adds r to the queue. False: there are max_requests already. */
SUMI_MUST_USE bool sched_add(sched *s, sched_req *r);

/* Ends r in any state and frees all its sequences and blocks. */
void sched_remove(sched *s, sched_req *r);

/* A request whose time limit has passed, and which one; NULL: none. The caller ends it with sched_remove(). */
sched_req *sched_expired(sched *s, double now_ms, sumi_time_limit *which);

/* Chooses the work of a step, preempts requests if needed, and reserves blocks. The items are valid until the next plan;
 * items of a removed request must not be read. 0 items: no request waits or runs, or sched_stuck() returns one that cannot
 * run. */
int32_t sched_plan(sched *s, const sched_item **items);

/* Adds up to n guessed tokens to item i of the plan, a decode token of a sequence of its own choice (no gang). They take what
 * the plan has left of the budget of tokens and of rows, and free blocks; nobody is preempted for them. Returns how many were
 * added. The sequence grows by the kept tokens of its item: sched_extend() is called for each of them. */
int32_t sched_draft(sched *s, int32_t i, int32_t n);

/* After a plan: a request that does not fit into the memory although no other request holds blocks; NULL: none. This
 * cannot happen if the caller adds only requests that fit; the caller ends the request with an error. */
sched_req *sched_stuck(const sched *s);

/* The step of the last plan was computed, and the first kept[i] tokens of item i, 0 .. n_tokens, are in the cache. Blocks
 * reserved for the other tokens are free, and these tokens, unless they were guessed, are planned again. If the sequences of a
 * gang have separated,
 * either all tokens of its items are kept or none. The sequences of a recomputed request separate here by themselves. */
void sched_commit(sched *s, const int32_t *kept);

/* The step of the last plan was not computed: its work is planned again. */
void sched_abandon(sched *s);

/* The trunk of r is computed for the first time: it becomes sequences 0 .. n-1, n <= width. */
void sched_split(sched *s, sched_req *r, int32_t n);

/* Forks a sequence of a request whose sequences have separated, and returns the fork; a place must be free. */
int32_t sched_fork(sched *s, sched_req *r, int32_t seq);

void sched_extend(sched *s, sched_req *r, int32_t seq);  /* one more token is known */
void sched_end_seq(sched *s, sched_req *r, int32_t seq); /* gives back what it holds */

void sched_get_counts(const sched *s, sched_counts *counts);
SUMI_MUST_USE bool sched_check(const sched *s);

/* ---- Between schedule.c and sched_queue.c ---- */

typedef struct sched_queue {
    sched_req **reqs; /* [n] of [max_requests], in no order */
    int32_t n;
    uint64_t n_turns, n_choices, n_admitted;
} sched_queue;

bool sched_older(const sched_req *a, const sched_req *b);
bool sched_shielded(const sched_req *r);
/* The next request, or NULL. A second call without an admission in between returns the same one unless new requests
 * came. */
sched_req *sched_queue_next(sched_queue *q);
void sched_queue_add(sched_queue *q, sched_req *r);
void sched_queue_take(sched_queue *q, sched_req *r); /* out of the queue */
void sched_charge(sched_client *c, int64_t n_tokens);

#endif
