namespace Uwsgi.AspNetCore.Testing;

/// <summary>A leak-checking pool whose blocks are so small that every field of a packet crosses a segment border.</summary>
public sealed class TinyBlockMemoryPool(int blockSize = 1, bool recordStacks = false) : LeakCheckingMemoryPool(blockSize, recordStacks);
