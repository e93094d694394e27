#!/usr/bin/env bash
# Builds CPython and the libraries it needs, all in one executable that runs from glibc 2.17 on. scripts/build-python
# calls it in an empty folder.
#   recipe.sh ARCH SOURCES ZIG RESULT LOGS [BUILDER]
# SOURCES: folder with the archives of sources.tsv. ZIG: the program of ziglang. RESULT: the folder that is made (bin,
# lib, licenses). LOGS: folder for one log of each step. BUILDER: a Python of the same version that runs here, where ARCH
# is another machine's. None of these is exported: a configure script may take TARGET or the like for its own.
set -euo pipefail
arch=$1 sources=$2 zig=$3 result=$4 logs=$5 builder=${6:-}
recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
here=$PWD
prefix=$here/prefix
installed=/usr/lib/vmext/python # only a default: the interpreter finds its library by where it lies
jobs=$(nproc)
# What asks for the time gets the same one in each build.
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C.UTF-8 TZ=UTC
export ZIG_GLOBAL_CACHE_DIR=$here/zig ZIG_LOCAL_CACHE_DIR=$here/zig
export PATH=$here/tools:$PATH
export CC=vmext-cc AR=vmext-ar RANLIB=vmext-ranlib
export CFLAGS="-O2 -ffunction-sections -fdata-sections" # what nothing calls is left out at the end
mkdir -p "$logs" tools "$prefix"

# step NAME COMMAND...: in a shell of its own, so that a folder that it goes to is left again.
step() {
    local name=$1 log code begin=$SECONDS
    shift
    log=$logs/$name.log
    set +e # not "|| code=$?": in front of that a shell goes on after what failed
    (set -e; "$@") >"$log" 2>&1 </dev/null
    code=$?
    set -e
    if [ "$code" -ne 0 ]; then
        echo "build-python: step $name for $arch failed (exit code $code). The end of its log:" >&2
        tail -n 30 "$log" >&2
        echo "The whole log: $log" >&2
        exit 1
    fi
    echo "build-python: $arch $name, $((SECONDS - begin)) s" >&2
}

tools() {
    local name
    for name in cc ar ranlib; do
        {
            echo '#!/bin/sh'
            if [ "$name" = cc ]; then
                echo "exec '$zig' cc -target $arch-linux-gnu.2.17 -fno-sanitize=undefined -Wno-date-time" \
                    "-ffile-prefix-map='$here'=. \"\$@\""
            else
                echo "exec '$zig' $name \"\$@\""
            fi
        } > "tools/vmext-$name"
    done
    chmod +x tools/*
}

# unpack NAME: its archive to the folder NAME, with the patches of patches.txt.
unpack() {
    local name=$1 path patch
    mkdir "$name"
    while IFS=$'\t' read -r _ _ _ path _; do
        case $path in
            *.orig.tar.*) tar -xf "$sources/${path##*/}" -C "$name" --strip-components=1 --no-same-owner ;;
            *.debian.tar.*) tar -xf "$sources/${path##*/}" -C "$name" --no-same-owner ;;
        esac
    done < <(grep "^$name	" "$recipe/sources.tsv")
    while IFS=$'\t' read -r _ patch; do
        echo "== $patch"
        patch -p1 --forward -d "$name" -i "debian/patches/$patch"
    done < <(grep "^$name	" "$recipe/patches.txt" || true)
    find "$name" -name '*.orig' -delete
}

zlib() {
    unpack zlib
    cd zlib
    ./configure --static --prefix="$prefix"
    make -j"$jobs" libz.a
    make install
}

bzip2() {
    unpack bzip2
    cd bzip2
    make -j"$jobs" libbz2.a CC="$CC" AR="$AR" RANLIB="$RANLIB" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64"
    mkdir -p "$prefix/include" "$prefix/lib"
    cp bzlib.h "$prefix/include"
    cp libbz2.a "$prefix/lib"
}

xz() {
    unpack xz-utils
    cd xz-utils
    ./configure --prefix="$prefix" --host="$arch-linux-gnu" --disable-shared --disable-nls --disable-doc --disable-scripts \
        --disable-xz --disable-xzdec --disable-lzmadec --disable-lzmainfo
    make -j"$jobs"
    make install
}

libffi() {
    unpack libffi
    cd libffi
    ./autogen.sh
    ./configure --prefix="$prefix" --host="$arch-linux-gnu" --disable-shared --with-pic --disable-docs \
        --disable-exec-static-tramp --disable-multi-os-directory
    make -j"$jobs"
    make install
}

# Nothing is loaded at run time, not even the system's settings, which may name what is not in it; and nothing is in it
# that TLS of today does not use.
openssl() {
    unpack openssl
    cd openssl
    perl Configure "linux-$arch" --prefix=/usr --libdir=lib --openssldir=/etc/ssl \
        no-shared no-tests no-docs no-apps no-module no-engine no-dso no-legacy no-ssl3 no-dtls no-quic no-srp no-cmp \
        no-cms no-ts no-comp no-async no-idea no-seed no-camellia no-aria no-bf no-cast no-rc2 no-rc4 no-md4 no-mdc2 \
        no-whirlpool no-sm2 no-sm3 no-sm4 no-rfc3779 no-uplink no-ui-console no-autoload-config
    make -j"$jobs" build_libs
    make install_dev DESTDIR="$here/openssl-installed"
    cp -r "$here/openssl-installed/usr/include" "$here/openssl-installed/usr/lib" "$prefix"
}

python() {
    local cross=() module
    unpack python3.13
    cd python3.13
    if [ -n "$builder" ]; then
        cross=(--build="$(uname -m)-linux-gnu" --host="$arch-linux-gnu" --with-build-python="$builder"
            ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no)
    fi
    # What vmext does not use, or what would need a library that the machine has to have.
    for module in _tkinter _curses _curses_panel _dbm _gdbm _sqlite3 _uuid readline _asyncio _multiprocessing _posixshmem \
        _lsprof _interpreters _interpchannels _interpqueues; do
        cross+=("py_cv_module_$module=n/a")
    done
    PKG_CONFIG=false CPPFLAGS="-I$prefix/include" LDFLAGS="-L$prefix/lib -Wl,--gc-sections" OPT="-DNDEBUG -fwrapv" \
        MODULE_BUILDTYPE=static \
        ZLIB_CFLAGS="-I$prefix/include" ZLIB_LIBS="-L$prefix/lib -lz" \
        BZIP2_CFLAGS="-I$prefix/include" BZIP2_LIBS="-L$prefix/lib -lbz2" \
        LIBLZMA_CFLAGS="-I$prefix/include" LIBLZMA_LIBS="-L$prefix/lib -llzma" \
        LIBFFI_CFLAGS="-I$prefix/include" LIBFFI_LIBS="-L$prefix/lib -lffi" \
        ./configure --prefix="$installed" --disable-shared --without-ensurepip --without-doc-strings --disable-test-modules \
        --with-openssl="$prefix" --with-readline=no --with-system-libmpdec=no "${cross[@]}"
    cp Modules/Setup.stdlib Modules/Setup.local # every module of C in the one executable
    make -j"$jobs"
    make install DESTDIR="$here/installed"
}

# What is carried of it, without what only a compiler needs; the licence of each part.
gather() {
    local made=$here/installed$installed part=$result.part
    rm -rf "$part"
    mkdir -p "$part/bin" "$part/lib" "$part/licenses"
    cp "$made/bin/python3.13" "$part/bin/python3"
    llvm-strip --strip-all "$part/bin/python3"
    cp -r "$made/lib/python3.13" "$part/lib/python3.13"
    rm -rf "$part"/lib/python3.13/{config-3.13*,test,lib-dynload,site-packages}
    find "$part" -name __pycache__ -prune -exec rm -r {} +
    mkdir "$part/lib/python3.13/site-packages" "$part/lib/python3.13/lib-dynload" # it looks for both
    cat python3.13/LICENSE python3.13/Doc/license.rst > "$part/licenses/python.txt" # with those of code in it
    sed -n "1,/\*\//p" python3.13/Modules/_decimal/libmpdec/mpdecimal.h > "$part/licenses/libmpdec.txt"
    cp python3.13/Modules/expat/COPYING "$part/licenses/expat.txt"
    cp openssl/LICENSE.txt "$part/licenses/openssl.txt"
    cp libffi/LICENSE "$part/licenses/libffi.txt"
    cp bzip2/LICENSE "$part/licenses/bzip2.txt"
    cp xz-utils/COPYING.0BSD "$part/licenses/xz.txt"
    sed -n '1,/^\*\//p' zlib/zlib.h > "$part/licenses/zlib.txt"
    mv "$part" "$result"
}

step tools tools
for library in zlib bzip2 xz libffi openssl; do step "$library" "$library"; done
step python python
step gather gather
