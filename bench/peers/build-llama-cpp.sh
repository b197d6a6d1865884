#!/usr/bin/env bash
# build-llama-cpp.sh - builds the engines that sumi is compared with:  build-llama-cpp.sh [llama.cpp] [ik_llama.cpp]
#
# The sources come from PyPI source packages that carry them whole (the versions below; set LLAMA_CPP_PACKAGE or
# IK_LLAMA_CPP_PACKAGE to try others). Both are built for this machine's processor with static libraries, into
# bench/peers/.work/build/NAME/bin, which git ignores. Takes 5 to 20 minutes each; JOBS=1 leaves room for other work.
# PEERS_ISA=avx2 builds the benchmarks alone, for any processor with AVX2, into bench/peers/.work/avx2, to see how the
# engines do on a smaller machine:  SUMI_ISA=avx2 compare.py --peers-dir bench/peers/.work/avx2 MODEL.gguf
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p .work/src
cd .work

jobs=${JOBS:-$(nproc)}
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF
         -DLLAMA_BUILD_EXAMPLES=ON)
case ${PEERS_ISA:-native} in
native) folder=build options+=(-DGGML_NATIVE=ON) ;;
avx2) folder=avx2/build options+=(-DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON) ;;
*) echo "build-llama-cpp.sh: PEERS_ISA is '$PEERS_ISA'; there are native and avx2" >&2; exit 2 ;;
esac
mkdir -p "$folder"
[ "$folder" = build ] || ln -sfn ../src avx2/src

# fetch NAME PACKAGE: unpacks the package's source into src/NAME, once for each version.
fetch() {
    local name=$1 package=$2
    [ "$(cat "src/$name/.package" 2>/dev/null)" = "$package" ] && return
    echo "fetching $package" >&2
    rm -rf "src/$name" "src/$name.download"
    mkdir -p "src/$name.download"
    # pip runs the package's own build system to learn its metadata; the build folder that leaves is not used.
    python3 -m pip download --quiet --no-deps --no-binary :all: --dest "src/$name.download" "$package"
    mkdir "src/$name"
    tar -xzf "src/$name.download/"*.tar.gz -C "src/$name" --strip-components=1
    rm -r "src/$name.download"
    echo "$package" >"src/$name/.package"
}

# build NAME SOURCE TARGET...
build() {
    local name=$1 source=$2
    shift 2
    [ "$folder" = build ] || set -- llama-bench llama-batched-bench
    [ -f "$folder/$name/build.ninja" ] || cmake -S "$source" -B "$folder/$name" "${options[@]}" "${extra[@]}" >&2
    cmake --build "$folder/$name" -j "$jobs" --target "$@" >&2
    for target in "$@"; do echo "$PWD/$folder/$name/bin/$target"; done
}

for name in "${@:-llama.cpp}"; do
    case $name in
    llama.cpp)
        fetch $name "${LLAMA_CPP_PACKAGE:-llama-cpp-python==0.3.36}"
        extra=(-DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF)
        build $name src/$name/vendor/llama.cpp llama-bench llama-batched-bench llama-simple llama-perplexity \
            llama-tokenize llama-cli llama-server
        ;;
    ik_llama.cpp)
        fetch $name "${IK_LLAMA_CPP_PACKAGE:-ik-llama-cpp-python==0.1.5}"
        source=src/$name/vendor/ik_llama.cpp
        # The source package leaves out the script that writes the build number into the program: any number will do.
        mkdir -p $source/common/cmake
        printf '%s\n' 'set(BUILD_NUMBER 0)' 'configure_file(common/build-info.cpp.in common/build-info.cpp)' \
            >$source/common/cmake/build-info-gen-cpp.cmake
        extra=(-DLLAMA_BUILD_SERVER=OFF)
        build $name $source llama-bench llama-batched-bench
        ;;
    *) echo "build-llama-cpp.sh: no peer '$name'; there are llama.cpp and ik_llama.cpp" >&2; exit 2 ;;
    esac
done
