/* hello.c - the smallest whole program: load a model, ask, print the answer as it comes, close.
 *
 *   cc hello.c $(pkg-config --cflags --libs sumi) -o hello && ./hello models/smollm2.gguf "Name three colours." */
#include <stdio.h>
#include <sumi.h>

static bool print_piece(void *user, const sumi_piece *piece)
{
    (void)user;
    fwrite(piece->text, 1, piece->n_bytes, stdout);
    fflush(stdout);
    return true; /* false would stop the answer here */
}

/* The question as the model's chat template writes it, in token ids; *ids is freed with sumi_free(). */
static sumi_status format_question(const sumi_model *model, const char *question, int32_t **ids, int32_t *n_ids,
                                   sumi_error *err)
{
    sumi_message message = { .role = "user", .content = question };
    char *text = NULL;
    size_t n_bytes;
    if (sumi_chat_format(model, &message, 1, true, &text, &n_bytes, err)) return err->status;
    sumi_status status = sumi_tokenize(model, text, n_bytes, SUMI_TOKENIZE_SPECIAL, ids, n_ids, err);
    sumi_free(text);
    return status;
}

int main(int argc, char **argv)
{
    sumi_model *model = NULL;
    sumi_context *ctx = NULL;
    sumi_error err = { SUMI_OK, "" };
    sumi_model_opts model_opts = sumi_model_opts_default();
    sumi_context_opts ctx_opts = sumi_context_opts_default();
    sumi_generate_opts opts = sumi_generate_opts_default();
    sumi_generation done;
    int32_t *ids = NULL, n_ids, seq;

    if (argc != 3) return fprintf(stderr, "usage: hello MODEL.gguf QUESTION\n"), 2;
    ctx_opts.n_ctx = 2048;
    opts.sampling.temperature = 0; /* always the most probable token */
    opts.max_tokens = 64;
    opts.on_piece = print_piece;

    if (sumi_model_open(&model, argv[1], &model_opts, &err)) goto end;
    if (sumi_context_create(&ctx, model, &ctx_opts, &err)) goto end;
    if (sumi_seq_open(ctx, &seq, &err)) goto end;
    if (format_question(model, argv[2], &ids, &n_ids, &err)) goto end;
    if (sumi_generate(ctx, seq, ids, n_ids, &opts, &done, &err)) goto end;
    printf("\n(%d tokens in %.0f ms)\n", (int)done.n_generated, done.prefill_ms + done.decode_ms);
end:
    if (err.status) fprintf(stderr, "hello: %s\n", err.message);
    sumi_free(ids);
    sumi_context_destroy(ctx);
    sumi_model_close(model);
    return err.status != SUMI_OK;
}
