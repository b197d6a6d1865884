/* mixture.c - the tensors of a mixture of experts. GGUF stores the matrices of all experts of a layer as one tensor of three
 * dimensions, one expert after the other; gate and up may be one matrix, gate first:
 *
 *   ffn_gate_inp [n][n_embd]     ffn_gate_exps, ffn_up_exps [n][n_ff][n_embd]     ffn_down_exps [n][n_embd][n_ff]
 *                                or ffn_gate_up_exps [n][2 n_ff][n_embd]
 *
 * Files of Mixtral from before April 2024 have a tensor for each matrix instead: ffn_gate.0, ffn_gate.1 ...
 *
 * exp_probs_b is the bias of the choice; ffn_gate_inp_shexp gives a token's factor on the shared expert. */
#include "model/mixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/loader.h"

static bool has(const loader *l, int32_t i, const char *name)
{
    return loader_has(l, in_layer(i, name, "weight"));
}

/* "ffn_gate.3" for "ffn_gate_exps". */
static tensor_name of_expert(int32_t i, const char *name, int32_t expert)
{
    char single[32];
    snprintf(single, sizeof single, "%.*s.%d", (int)(strlen(name) - strlen("_exps")), name, expert);
    return in_layer(i, single, "weight");
}

static bool has_single(const loader *l, int32_t i, const char *name)
{
    return !has(l, i, name) && loader_has(l, of_expert(i, name, 0));
}

/* Products cut all experts of a layer into the same panels, so these must be of one type. */
static void expect_one_type(loader *l, int32_t i, const char *name)
{
    const source_tensor *first = model_source_find_tensor(l->src, of_expert(i, name, 0).s);
    for (int32_t e = 1; e < l->m->h.router.n_experts; e++) {
        tensor_name other = of_expert(i, name, e);
        const source_tensor *t = model_source_find_tensor(l->src, other.s);
        if (t && t->type != first->type)
            loader_fail(l, SUMI_EUNSUPPORTED, "tensor '%s' is %s, not %s as the first expert's: not supported", other.s,
                        t->type->name, first->type->name);
    }
}

static weight **experts(loader *l, int32_t i, const char *name, tensor_rows rows, int64_t n_cols)
{
    int32_t n = l->m->h.router.n_experts;
    if (!has_single(l, i, name)) return loader_matrices(l, in_layer(i, name, "weight"), n, rows, n_cols);
    expect_one_type(l, i, name);
    weight **w = calloc((size_t)n, sizeof *w);
    if (!w) loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name);
    for (int32_t e = 0; w && e < n; e++) w[e] = loader_matrix(l, of_expert(i, name, e), rows, n_cols);
    return w;
}

/* A weight on the input must not scale biases. So a file with biases is refused if the family weighs the input. */
static float *biases(loader *l, int32_t i, const char *name, int64_t n)
{
    if (l->m->arch->features & ARCH_WEIGH_INPUT) return NULL;
    return loader_vector(l, in_layer(i, name, "bias"), false, all_rows(l->m->h.router.n_experts * n));
}

void loader_mixture(loader *l, int32_t i, mixture *x)
{
    const hparams *h = &l->m->h;
    int32_t n = h->router.n_experts;
    if (has(l, i, "ffn_gate_up_exps") && !strcmp(l->m->arch->name, "gptoss"))
        loader_fail(l, SUMI_EUNSUPPORTED,
                    "tensor 'blk.%d.ffn_gate_up_exps.weight' has rows of gate and up in alternation: not supported", i);
    bool fused = has(l, i, "ffn_gate_up_exps"), gated = !(l->m->arch->features & ARCH_NO_GATE);
    const char *up = fused ? "ffn_gate_up_exps" : "ffn_up_exps", *gate = fused ? up : "ffn_gate_exps";
    x->router = h->router;
    x->w_router = loader_matrix(l, in_layer(i, "ffn_gate_inp", "weight"), all_rows(n), h->n_embd);
    x->b_router = loader_vector(l, in_layer(i, "ffn_gate_inp", "bias"), false, all_rows(n));
    x->router.choice_bias = loader_vector(l, in_layer(i, "exp_probs_b", "bias"), false, all_rows(n));
    if (x->router.choice_bias && !h->router_told && l->m->arch->features & ARCH_BIAS_MEANS_SIGMOID)
        hparams_set_router(&x->router, ROUTER_SIGMOID); /* GLM-4.7-Flash, whose first files do not have the key */
    x->n_ff = loader_n_rows(l, has_single(l, i, up) ? of_expert(i, up, 0) : in_layer(i, up, "weight"));
    if (fused) x->n_ff /= 2;
    if (l->status != SUMI_OK) return;
    int64_t n_ff = x->n_ff, total = fused ? 2 * n_ff : n_ff;
    if (gated) x->w_gate = experts(l, i, gate, (tensor_rows){ 0, n_ff, total }, h->n_embd);
    x->w_up = experts(l, i, up, (tensor_rows){ total - n_ff, n_ff, total }, h->n_embd);
    x->w_down = experts(l, i, "ffn_down_exps", all_rows(h->n_embd), n_ff);
    x->b_gate = gated && !fused ? biases(l, i, gate, n_ff) : NULL;
    x->b_up = fused ? NULL : biases(l, i, up, n_ff);
    x->b_down = biases(l, i, "ffn_down_exps", h->n_embd);
    if (has(l, i, "ffn_gate_inp_shexp"))
        x->w_shared = loader_matrix(l, in_layer(i, "ffn_gate_inp_shexp", "weight"), all_rows(1), h->n_embd);
}

void mixture_destroy(const backend *be, mixture *x)
{
    int32_t n = x->router.n_experts;
    float *vectors[] = { x->b_router, (float *)x->router.choice_bias, x->b_gate, x->b_up, x->b_down };
    be->weight_destroy(x->w_router);
    be->weight_destroy(x->w_shared);
    loader_destroy_matrices(be, x->w_gate, n);
    loader_destroy_matrices(be, x->w_up, n);
    loader_destroy_matrices(be, x->w_down, n);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) mem_free(vectors[i]);
}
