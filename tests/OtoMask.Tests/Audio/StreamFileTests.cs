using System.Runtime.Versioning;
using OtoMask.Audio;

namespace OtoMask.Tests.Audio;

/// <summary>Streams become files that nobody else sees and nothing remains of.</summary>
[SupportedOSPlatform("linux")]
public class StreamFileTests
{
    [Fact]
    public void TheFileIsPrivateAndHasNoName()
    {
        byte[] bytes = [.. Enumerable.Range(0, 200_000).Select(i => (byte)i)];
        using var stream = new MemoryStream(bytes) { Position = 3 };
        string path = StreamFile.Read(stream, path =>
        {
            Assert.Equal(bytes[3..], File.ReadAllBytes(path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            string target = File.ResolveLinkTarget(path, returnFinalTarget: false)!.FullName;
            Assert.EndsWith(" (deleted)", target);
            Assert.False(File.Exists(target[..^" (deleted)".Length]));
            return path;
        }, default);
        Assert.False(File.Exists(path) && File.ReadAllBytes(path).SequenceEqual(bytes[3..]));
        Assert.True(stream.CanRead);
    }

    [Fact]
    public void AStreamWithoutEndIsRefused()
    {
        Assert.Contains("more than 100000 bytes", Assert.Throws<UnreadableAudioException>(() => StreamFile.Read(new Endless(), _ => 0, default, mostBytes: 100_000)).Message);
        using var cancelled = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => StreamFile.Read(new Endless { AfterRead = cancelled.Cancel }, _ => 0, cancelled.Token));
    }

    [Fact]
    public void WhatTheStreamThrowsReachesTheCaller() =>
        Assert.Equal("the line is dead", Assert.Throws<IOException>(() => StreamFile.Read(new Endless { AfterRead = () => throw new IOException("the line is dead") }, _ => 0, default)).Message);

    [Fact]
    public void ErrorsNameTheStream()
    {
        Assert.Equal("the stream: it has zero bytes", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(new MemoryStream(), 16000)).Message);
        var closed = new MemoryStream();
        closed.Dispose();
        Assert.Throws<ArgumentException>(() => AudioFile.ReadMono(closed, 16000));
    }

    private sealed class Endless : MemoryStream
    {
        public Action AfterRead { get; init; } = () => { };

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            buffer.Fill(1);
            AfterRead();
            return buffer.Length;
        }
    }
}
