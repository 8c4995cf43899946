using FsCheck;
using FsCheck.Fluent;

namespace OtoMask.Tests.Interop;

/// <summary>Damaged copies of a file, for readers that must refuse cleanly what they cannot read.</summary>
internal static class Mutations
{
    /// <summary>No reader of a small file may allocate more than this, whatever the file claims.</summary>
    private const long MaxAllocation = 8 << 20;

    private const int Tries = 400;

    /// <summary>
    /// Gives a reader many damaged copies of a file; success or a one-line <see cref="UserErrorException"/> will do, without
    /// large allocations.
    /// </summary>
    public static void AssertAllReadOrRefused(byte[] file, Action<byte[]> read) =>
        Prop.ForAll(Of(file), mutant => AssertReadOrRefused(() => read(mutant.Bytes))).Check(Config.QuickThrowOnFailure.WithMaxTest(Tries));

    private static void AssertReadOrRefused(Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        catch (UserErrorException refused)
        {
            Assert.DoesNotContain('\n', refused.Message);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocation);
    }

    /// <summary>Copies with a few bytes overwritten, often by values that matter to formats, sometimes cut short.</summary>
    private static Arbitrary<Mutant> Of(byte[] file)
    {
        Gen<byte> anything = Gen.Choose(0, 255).Select(x => (byte)x);
        Gen<byte> value = Gen.OneOf(Gen.Elements<byte>(0, 1, 0x7f, 0x80, 0xff), anything, Gen.Elements(file));
        Gen<(int Index, byte Value)> change = Gen.Choose(0, file.Length - 1).SelectMany(index => value.Select(v => (index, v)));
        return (from count in Gen.Choose(0, 4)
                from changes in change.ListOf(count)
                from kept in Gen.Frequency((3, Gen.Constant(file.Length)), (1, Gen.Choose(0, file.Length)))
                select new Mutant(Apply(file, changes, kept))).ToArbitrary();
    }

    private static byte[] Apply(byte[] file, IEnumerable<(int Index, byte Value)> changes, int kept)
    {
        byte[] copy = [.. file];
        foreach ((int index, byte value) in changes)
            copy[index] = value;
        return copy[..kept];
    }

    /// <summary>Prints as hexadecimal in FsCheck's failures.</summary>
    private sealed record Mutant(byte[] Bytes)
    {
        public override string ToString() => Convert.ToHexString(Bytes);
    }
}
