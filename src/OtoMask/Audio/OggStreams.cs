namespace OtoMask.Audio;

/// <summary>Ogg files may be several streams one after the other, as internet radio and <c>cat</c> make them (RFC 3533, section 4: chaining).</summary>
internal static class OggStreams
{
    private const int PageHeader = 27, SegmentCount = 26, Flags = 5, MostGarbage = 1 << 20;
    private const byte BeginsStream = 2;

    /// <summary>Where the streams lie, in their order. Streams that begin together are one: sound and picture of a film. The last one ends with its last page,
    /// whatever lies behind.</summary>
    public static IReadOnlyList<(long Offset, long Length)> Find(SoundBytes ogg)
    {
        var begins = new List<long>();
        bool afterBeginning = false;
        long end = 0;
        Span<byte> page = stackalloc byte[PageHeader + byte.MaxValue];
        for (long at = 0; at >= 0; at = NextPage(ogg, at))
        {
            int read = ogg.Read(at, page);
            if (read < PageHeader)
                break;
            bool isBeginning = (page[Flags] & BeginsStream) != 0;
            if (isBeginning && !afterBeginning)
                begins.Add(at);
            afterBeginning = isBeginning;
            int segments = page[SegmentCount], body = 0;
            foreach (byte length in page[PageHeader..Math.Min(read, PageHeader + segments)])
                body += length;
            at += PageHeader + segments + body;
            end = Math.Min(at, ogg.Length);
        }
        return [.. begins.Select((begin, i) => (begin, (i + 1 < begins.Count ? begins[i + 1] : end) - begin))];
    }

    /// <summary>The next page from a place on, where one should begin; behind garbage, if there is not too much of it; -1 where there is none.</summary>
    private static long NextPage(SoundBytes ogg, long at)
    {
        Span<byte> magic = stackalloc byte[4];
        if (ogg.Read(at, magic) < magic.Length)
            return -1;
        if (magic.SequenceEqual("OggS"u8))
            return at;
        byte[] garbage = new byte[MostGarbage];
        int found = garbage.AsSpan(0, ogg.Read(at, garbage)).IndexOf("OggS"u8);
        return found < 0 ? -1 : at + found;
    }
}
