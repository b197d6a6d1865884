/* hub.h - parses answers of model hubs: lists of files of the Hugging Face hub, manifests of Ollama registries.
 *
 * Pure functions over bytes from the net. Names that are not safe (names.h) and names of hidden files are not added to a
 * list; only files in the list are requested. */
#ifndef SUMI_STORE_HUB_H
#define SUMI_STORE_HUB_H

#include "store/repo.h"

#define HUB_MAX_LIST     (16 << 20) /* bytes of one page of a list */
#define HUB_MAX_PAGES    64
#define HUB_MAX_MANIFEST (1 << 20)
#define HUB_MAX_LAYERS   4096
#define HUB_MAX_TEXT     (1 << 20) /* of a layer that is text */

/* One page of /api/models/OWNER/NAME/tree/REVISION (huggingface.co/docs/hub/api): its files are added to r.
 *   [ { "type": "file", "path": "a.gguf", "size": 4, "oid": git id, "lfs": { "oid": SHA-256, "size": 4 } }, ... ] */
SUMI_MUST_USE sumi_status hub_read_list(repo *r, const char *json, size_t n, sumi_error *err);

/* The manifest of a model in an Ollama registry (the image manifest of the OCI distribution specification):
 *   { "layers": [ { "mediaType": "application/vnd.ollama.image.model", "digest": "sha256:...", "size": 4 }, ... ] }
 * The files it describes are added to r under these names; digests are SHA-256. left_out gets "projector, adapter" for
 * layers that sumi does not use. SUMI_EUNSUPPORTED: no GGUF layer, or several.
 *   model -> model.gguf    license -> license.txt, license-2.txt ...    template -> template.txt    system -> system.txt
 *   params -> params.json    messages -> messages.json */
SUMI_MUST_USE sumi_status hub_read_manifest(repo *r, const char *json, size_t n, char *left_out, size_t n_left_out,
                                            sumi_error *err);

/* The URL with rel="next" in a Link header (RFC 8288): the next page of the list; false if there is none that fits into
 * out. */
bool hub_next_link(const char *link, char *out, size_t n_out);

#endif
