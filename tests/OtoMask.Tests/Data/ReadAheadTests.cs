using OtoMask.Data;

namespace OtoMask.Tests.Data;

public sealed class ReadAheadTests
{
    /// <summary>Clips of a piece or none, faster than any real one: who waits and who is awaited meet at every moment they can.</summary>
    [Fact]
    public void Pieces_come_in_order_however_the_threads_meet()
    {
        const int Clips = 500_000;
        using var ahead = new ReadAhead<int>(0, Clips, workers: 8, (clip, hand) =>
        {
            if (clip % 3 != 0)
                hand(clip);
        }, CancellationToken.None);
        for (int clip = 0; clip < Clips; clip++)
            Assert.True(ahead.Pieces(clip).Sum() == (clip % 3 != 0 ? clip : 0));
    }

    [Fact]
    public void What_a_clip_throws_comes_after_its_pieces()
    {
        using var ahead = new ReadAhead<int>(0, 1, workers: 1, (_, hand) =>
        {
            hand(7);
            throw new InvalidDataException("broken");
        }, CancellationToken.None);
        List<int> pieces = [];
        Assert.Equal("broken", Assert.Throws<InvalidDataException>(() => pieces.AddRange(ahead.Pieces(0))).Message);
    }

    [Fact]
    public void Who_waits_for_a_clip_that_is_given_up_is_told()
    {
        using var cancellation = new CancellationTokenSource();
        using var ahead = new ReadAhead<int>(0, 1, workers: 1, (_, hand) =>
        {
            cancellation.Cancel();
            hand(7);
        }, cancellation.Token);
        Assert.Throws<OperationCanceledException>(() => ahead.Pieces(0).Count());
    }
}
