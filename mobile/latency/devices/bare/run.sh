# Starts a program with the libraries that lie beside it: sh run.sh PROGRAM [WORD ...]
#
# Where a loader lies there too (ld-linux-*: a program for glibc on a phone, whose C library is another), it is used.
folder=$(cd "$(dirname "$0")" && pwd)
program=$folder/$1
shift
chmod +x "$program" 2>/dev/null
for loader in "$folder"/ld-linux-*; do
    if [ -f "$loader" ]; then
        chmod +x "$loader" 2>/dev/null
        exec "$loader" --library-path "$folder" "$program" "$@"
    fi
done
LD_LIBRARY_PATH=$folder exec "$program" "$@"
