"""A model for the web: its generated C as WebAssembly, in a page of its own or as an ES module.

web_assembly  the C, compiled with Zig's clang        facts    what a script has to know of the network
engines       node, Chromium and wasmtime             checking their bytes beside the oracle's
material      what a network is put through           making    all of it, one after the other
gallery       the pictures that a net does worst on
html, module  the page, and the module's files, from templates/
devtools      a browser that is started and spoken to
"""
