#!/usr/bin/env python3
"""report.py - tables and charts of the results that bench/peers/compare.py --json wrote:  bench/report.py [FILE...]

    bench/report.py                      prints the tables in Markdown
    bench/report.py --chart FILE.png     draws the chart (needs matplotlib: apt-get install python3-matplotlib)
    bench/report.py --update             draws docs/benchmarks.png, and writes the tables into README.md and
                                         docs/benchmarks.md, between the lines <!-- bench/report.py ... -->

FILE... are results, by default all of bench/results/*.json; what bench/http_load.py wrote into bench/results/http becomes
a table of docs/benchmarks.md. No figure in these pages is typed by hand.
"""
import argparse
import glob
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = ["llama.cpp", "ik_llama.cpp"]
COLOURS = {"sumi": "#1b6ca8", "llama.cpp": "#b8b8b8", "ik_llama.cpp": "#e0a030"}


def fail(message):
    sys.exit(f"report.py: {message}")


def load(paths):
    """Results, those of one machine together: [(where, [result])]."""
    groups = {}
    for path in paths:
        try:
            with open(path) as f:
                result = json.load(f)
            key = (describe(result), result["threads"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            fail(f"{path}: not a result of compare.py --json: {e}")
        groups.setdefault(key, []).append(result)
    return [results for _, results in groups.items()]


# ---- Text ----

def describe(result):
    """The machine in words."""
    m = result["machine"]
    best = [f for f in ("amx_int8", "avx512_vnni", "avx512f", "avx_vnni", "avx2") if f in m["flags"]][:1]
    words = {"amx_int8": "AMX", "avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx_vnni": "AVX-VNNI", "avx2": "AVX2"}
    text = f"{m['cpu']} (family {m['family']}, model {m['model']})"
    if best:
        text += f" with {words[best[0]]}"
    text += f", {m['cpus']} processors" + (f" of a {m['virtual']} machine" if m["virtual"] else "")
    return f"{text}, {m['os']}"


def caption(results):
    """Machine, versions and date of a group."""
    r = results[0]
    dates = sorted({x["date"] for x in results})
    reps = sorted({x["reps"] for x in results})
    load = max(x["load_before"] for x in results)
    return (f"{describe(r)}; {r['threads']} threads, medians of {' or '.join(map(str, reps))}, load before at most "
            f"{load:.1f}, {' and '.join(dates)}. Versions: {'; '.join(versions(results))}.")


def versions(results):
    """Engines by name. Where an engine was measured in several versions, each version names its models."""
    labels = {}
    for r in results:
        for name, version in r["versions"].items():
            labels.setdefault(name, {}).setdefault(version, []).append(f'"{r["label"]}"')
    return [f"{name} " + ", ".join(v if len(of) == 1 else f"{v} for {' and '.join(models)}" for v, models in of.items())
            for name, of in sorted(labels.items())]


def number(x):
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}"


def peers_of(results):
    return [p for p in PEERS if any(p in row for r in results for row in r["rows"])]


def cells(row, peers):
    out = [number(row["sumi"]["median"])]
    for p in peers:
        out += [number(row[p]["median"]), f"{row['sumi']['median'] / row[p]['median']:.1f}"] if p in row else ["", ""]
    return out


def markdown(head, lines):
    table = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(table + ["| " + " | ".join(line) + " |" for line in lines])


def peer_table(results):
    peers = peers_of(results)
    head = ["tokens/s", "sumi"] + [cell for p in peers for cell in (p, "ratio")]
    return markdown(head, [[f"{r['label']}, {row['what']}"] + cells(row, peers) for r in results for row in r["rows"]])


def level_table(results):
    """sumi with lower instruction sets; "" where nobody measured that."""
    levels = sorted({c for r in results for row in r["rows"] for c in row if c.startswith("sumi ")})
    if not levels:
        return ""
    best = results[0].get("limits", {}).get("isa", "best")
    head = ["tokens/s", f"sumi ({best})"] + levels
    lines = [[f"{r['label']}, {row['what']}"] + [number(row[c]["median"]) if c in row else "" for c in ["sumi"] + levels]
             for r in results for row in r["rows"]]
    return markdown(head, lines)


def limits_table(results):
    limits = next((r["limits"] for r in results if "limits" in r), None)
    if not limits:
        return ""
    lines = [[f"reading {m['memory']}, GB/s", number(m["one_gb_per_s"]), number(m["all_gb_per_s"])] for m in limits["read"]]
    lines += [[f"{x['level']} {x['type']} ({x['instruction']}), GOPS", number(x["one_gops"]), number(x["all_gops"])]
              for x in limits["rates"]]
    return markdown(["limit", "one thread", f"{limits['threads']} threads"], lines)


def http_tables(paths):
    """Servers under one load (bench/http_load.py), a table for each file."""
    parts = []
    for path in paths:
        with open(path) as f:
            r = json.load(f)
        name = os.path.splitext(os.path.basename(path))[0]
        parts.append(f"{name}: {r['requests']} requests of {r['prompt_len']} + {r['gen_len']} tokens, always {r['concurrency']} "
                     f"under way, {r['threads']} threads, medians of {r['reps']}, load before {r['load_average']:.1f}.")
        head = ["", "output tokens/s", "first token, ms", "P99", "whole answer P99, ms", "resident, MiB"]
        lines = [[who, number(e["output_tokens_per_s"]), number(e["ttft_ms"]["mean"]), number(e["ttft_ms"]["p99"]),
                  number(e["e2e_ms"]["p99"]), number(e["resident_mib"]) if e.get("resident_mib") else ""]
                 for who, e in r["engines"].items()]
        parts.append(markdown(head, lines))
    return "\n\n".join(parts)


def tables(groups, everything):
    parts = []
    for results in groups:
        parts += [caption(results), peer_table(results)]
        if everything:
            parts += [level_table(results), limits_table(results)]
    return "\n\n".join(p for p in parts if p)


def put(path, name, text):
    """Replaces what stands between the markers of a page."""
    begin, end = f"<!-- bench/report.py {name} -->", f"<!-- end of {name} -->"
    with open(path) as f:
        page = f.read()
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        fail(f"{path}: needs the line {begin} and after it the line {end}, once each")
    before, after = page[:page.index(begin) + len(begin)], page[page.index(end):]
    with open(path, "w") as f:
        f.write(f"{before}\n{text}\n{after}")


# ---- Chart ----

def draw(groups, path):
    """A panel for each model on each machine: bars of tokens/s relative to the first peer, with tokens/s on them."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        fail("the chart needs matplotlib: apt-get install python3-matplotlib")
    panels = [(results, r) for results in groups for r in results]
    figure, axes = plt.subplots(len(panels), 1, figsize=(10, 3.4 * len(panels) + 0.6), squeeze=False)
    for (results, r), axis in zip(panels, axes[:, 0]):
        draw_panel(axis, r, ["sumi"] + peers_of(results))
    text = "Numbers are tokens/s.\n" + "\n".join(caption(results) for results in groups)
    figure.tight_layout(rect=(0, 0.5 / (3.4 * len(panels) + 0.6), 1, 1))
    figure.text(0.01, 0.01, text, fontsize=7, color="#444444", wrap=True, va="bottom")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def draw_panel(axis, result, engines):
    peer = engines[1] if len(engines) > 1 else "sumi"
    width = 0.8 / len(engines)
    for e, engine in enumerate(engines):
        at = [(i + (e - (len(engines) - 1) / 2) * width, row) for i, row in enumerate(result["rows"]) if engine in row]
        heights = [row[engine]["median"] / row[peer]["median"] for _, row in at]
        axis.bar([x for x, _ in at], heights, width * 0.94, label=engine, color=COLOURS[engine])
        for (x, row), height in zip(at, heights):
            axis.text(x, height, f" {number(row[engine]['median'])}", ha="center", va="bottom", fontsize=8)
    axis.set_title(f"{result['label']}, {result['threads']} threads", fontsize=11, loc="left")
    axis.set_ylabel(f"speed, {peer} = 1" if peer != "sumi" else "speed")
    axis.set_xticks(range(len(result["rows"])), [row["what"] for row in result["rows"]])
    axis.margins(y=0.12)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, ncols=len(engines), loc="upper left", bbox_to_anchor=(0.4, 1.14))


def main():
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__, usage="report.py [FILE...] [OPTION...]",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--chart", metavar="FILE", help="draw a PNG instead of printing tables")
    parser.add_argument("--update", action="store_true", help="write tables and chart into the pages")
    parser.add_argument("--root", default=ROOT, help="the tree whose pages --update writes")
    args = parser.parse_args()
    files = args.files or sorted(glob.glob(os.path.join(args.root, "bench", "results", "*.json")))
    if not files:
        fail("no results in bench/results: bench/peers/compare.py --json makes them")
    groups = load(files)
    if any("sumi" not in row for results in groups for r in results for row in r["rows"]):
        fail("a result without sumi: tables compare with it")
    if args.chart:
        draw(groups, args.chart)
    if args.update:
        draw(groups, os.path.join(args.root, "docs", "benchmarks.png"))
        chart = "![Speed of sumi beside its peers]({})\n\n"
        put(os.path.join(args.root, "README.md"), "results", chart.format("docs/benchmarks.png") + tables(groups, False))
        put(os.path.join(args.root, "docs", "benchmarks.md"), "results", chart.format("benchmarks.png") + tables(groups, True))
        put(os.path.join(args.root, "docs", "benchmarks.md"), "http",
            http_tables(sorted(glob.glob(os.path.join(args.root, "bench", "results", "http", "*.json")))))
    if not args.chart and not args.update:
        print(tables(groups, True))


if __name__ == "__main__":
    main()
