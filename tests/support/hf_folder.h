/* hf_folder.h - puts the Hugging Face folder of a tiny model together from tests/golden/hf (hf_folder.py says how). */
#ifndef TEST_HF_FOLDER_H
#define TEST_HF_FOLDER_H

#include "test_support.h"

typedef struct test_folder {
    char path[64]; /* in /tmp */
} test_folder;

test_folder test_folder_create(void);
void test_folder_remove(test_folder *f); /* with the files in it */
void test_folder_write(const test_folder *f, const char *name, const void *data, size_t n_bytes);
void test_folder_copy(const test_folder *f, const char *name, const char *source_path); /* of the repository */

/* config.json, tokenizer.json and model.safetensors of the tiny model. */
test_folder test_hf_folder(const char *name);

#endif
