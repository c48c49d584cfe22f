"""Names that headers of the C library declare or define; a variable of that name does not compile beside them."""

from __future__ import annotations

import re

_NAMES = """
    L_ctermid L_cuserid L_tmpnam P_tmpdir a64l access acct acospi alarm alloca arc4random arc4random_buf
    arc4random_uniform asctime asinpi asprintf at_quick_exit atan2pi atanpi atexit basename bcmp bcopy brk bsearch
    btowc bzero canonicalize canonicalize_file_name chdir chown chroot clearenv clearerr clock clock_adjtime
    clock_getcpuclockid clock_getres clock_gettime clock_nanosleep clock_settime close close_range closefrom complex
    compoundn confstr copy_file_range cospi crypt ctermid ctime cuserid daddl daemon daylight ddivl dfmal difftime
    div dmull dprintf drand48 drem dsqrtl dsubl dup dup2 dup3 duplocale dysize eaccess ecvt endusershell environ
    erand48 euidaccess execl execle execlp execv execve execveat execvp execvpe exp10 exp10m1 exp2m1 explicit_bzero
    faccessat fadd fchdir fchown fchownat fcloseall fcvt fd_mask fd_set fdatasync fdiv fdopen feclearexcept
    fedisableexcept feenableexcept fegetexcept fegetexceptflag fegetmode fegetround feholdexcept feof feraiseexcept
    ferror fesetenv fesetexcept fesetexceptflag fesetmode fesetround fetestexcept fetestexceptflag feupdateenv
    fexecve fflush_unlocked ffma ffs ffsll fgetc_unlocked fgetpos fgets_unlocked fgetwc fgetws fileno finite
    flockfile fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmaxmag fmemopen fminimum fminimum_mag
    fminimum_mag_num fminimum_num fminmag fmul fopen64 fopencookie fork fpathconf fpclassify fputc_unlocked
    fputs_unlocked fputwc fputws fread_unlocked free_aligned_sized free_sized freelocale freopen fromfp fromfpx
    fseek fseeko fsetpos fsqrt fsub fsync ftell ftello ftruncate ftrylockfile funlockfile fwide fwprintf
    fwrite_unlocked fwscanf gamma gcvt get_current_dir_name getc_unlocked getchar_unlocked getcwd getdate
    getdate_err getdelim getdomainname getdtablesize getegid getentropy getenv geteuid getgid getgroups gethostid
    gethostname getline getloadavg getlogin getopt getpagesize getpass getpayload getpgid getpgrp getpid getppid
    getpt getresgid getresuid getsid getsubopt gettid getuid getusershell getw getwc getwchar getwd gmtime grantpt
    group_member gsignal imaxabs imaxdiv index initstate isalnum_l isalpha_l isascii isatty isblank_l iscanonical
    iscntrl_l isctype isdigit_l iseqsig isgraph_l isgreater isgreaterequal isinff isinfl isless islessequal
    islessgreater islower_l isnanf isnanl isprint_l ispunct_l issignaling isspace_l isunordered isupper_l iswalnum_l
    iswalpha iswblank iswcntrl iswctype iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit
    isxdigit_l iszero j0 j1 jmp_buf jn jrand48 kill killpg l64a lchown lcong48 ldiv lerp lgamma_r lgammaf_r
    lgammal_r link linkat lldiv llogb localeconv localtime lockf log10p1 log2p1 logp1 longjmp lrand48 lseek
    math_errhandling mblen mbrlen mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstowcs mbtowc memalignment memccpy memfrob
    memmem mempcpy memrchr memset_explicit mkdtemp mkostemp mkostemps mkstemp mkstemps mktemp mktime mrand48
    nanosleep newlocale nextdown nextup nice nrand48 obstack_printf obstack_vprintf on_exit open_memstream
    open_wmemstream optarg opterr optind optopt pathconf pause pclose perror pipe pipe2 popen posix_memalign
    posix_openpt pown powr pread profil program_invocation_name program_invocation_short_name pselect psiginfo
    psignal pthread_kill pthread_sigmask pthread_sigqueue ptsname putc_unlocked putchar_unlocked putenv putw putwc
    putwchar pwrite qecvt qfcvt qgcvt qsort quick_exit raise rand random rawmemchr read readlink readlinkat
    reallocarray realpath remove rename renameat renameat2 revoke rewind rindex rmdir rootn roundeven rpmatch rsqrt
    sa_handler sa_sigaction sbrk scalb secure_getenv seed48 select setbuf setbuffer setdomainname setegid setenv
    seteuid setgid sethostid sethostname setlinebuf setlocale setlogin setpayload setpayloadsig setpgid setpgrp
    setregid setresgid setresuid setreuid setsid setstate setuid setusershell setvbuf si_addr si_addr_lsb si_arch
    si_band si_call_addr si_fd si_int si_lower si_overrun si_pid si_pkey si_ptr si_status si_stime si_syscall
    si_timerid si_uid si_upper si_utime si_value sigabbrev_np sigaction sigaddset sigaltstack sigandset sigblock
    sigdelset sigdescr_np sigemptyset sigev_notify_attributes sigev_notify_function sigfillset siggetmask sighold
    sigignore siginterrupt sigisemptyset sigismember sigjmp_buf siglongjmp signal signgam significand sigorset
    sigpause sigpending sigprocmask sigqueue sigrelse sigreturn sigset sigsetmask sigstack sigsuspend sigtimedwait
    sigwait sigwaitinfo sincos sinpi sleep srand srand48 srandom ssignal std stpcpy stpncpy strcasecmp strcasestr
    strchrnul strcoll strdup strerror_l strerror_r strerrordesc_np strerrorname_np strfromd strfromf strfroml strfry
    strftime_l strlcat strlcpy strncasecmp strndup strnlen strptime strsep strsignal strtod_l strtof_l strtoimax
    strtok_r strtol_l strtold_l strtoll_l strtoq strtoul_l strtoull_l strtoumax strtouq strverscmp strxfrm_l swab
    swprintf swscanf symlink symlinkat sync syncfs syscall sysconf system sysv_signal tanpi tcgetpgrp tcsetpgrp
    tempnam tgkill time timegm timelocal timer_create timer_delete timer_getoverrun timer_gettime timer_settime
    timespec_get timespec_getres timezone tmpfile tmpnam toascii tolower_l totalorder totalordermag toupper_l
    towctrans towlower_l towupper truncate ttyname ttyslot tzname tzset u_char u_int u_long u_short uabs ualarm
    ufromfp ufromfpx uimaxabs uint ulabs ullabs ulong ungetc ungetwc unlink unlinkat unlockpt unsetenv uselocale
    ushort usleep va_list valloc vasprintf vdprintf vfork vfwprintf vfwscanf vhangup vswprintf vswscanf vwprintf
    vwscanf wcpcpy wcpncpy wcrtomb wcscasecmp wcscat wcschr wcschrnul wcscmp wcscoll wcscpy wcscspn wcsdup wcsftime
    wcslcat wcslcpy wcslen wcsncasecmp wcsncat wcsncmp wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn
    wcsstr wcstod wcstof wcstoimax wcstok wcstol wcstold wcstoll_l wcstombs wcstoq wcstoul wcstoull_l wcstoumax
    wcstouq wcswcs wcswidth wcsxfrm wctob wctomb wctrans wctype wcwidth wmemchr wmemcmp wmemcpy wmemmove wmempcpy
    wmemset wprintf write wscanf y0 y1 yn
"""
_DECLARED = frozenset(_NAMES.split())
"""What glibc 2.36 declares in C17 with GNU extensions or in C++20, and C23 adds; without a suffix that others have."""

_SUFFIXES = ("f", "l", "_l", "_r", "_unlocked", "64")
_FAMILIES = r"M_[A-Z0-9]\w*|\w+f(32|64|128)x?(_r|_l)?|f(32|64)x?(add|div|fma|mul|sqrt|sub)f\d+x?|[A-Z][A-Z0-9_]+"
"""Constants of math.h, functions for types such as _Float32x, and capitals alone, which are for macros."""


def is_declared(name: str) -> bool:
    """Whether a header of the C library may have ``name``; a name that only begins as one of them is free."""
    stems = (name, *(name.removesuffix(suffix) for suffix in _SUFFIXES))
    return re.fullmatch(_FAMILIES, name, re.ASCII) is not None or not _DECLARED.isdisjoint(stems)
