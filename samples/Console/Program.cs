// Embeds a recording: dotnet run --project samples/Console -- RUN AUDIO
using System.Globalization;
using OtoMask;
using OtoMask.Torch;

if (args is not [{ Length: > 0 } run, { Length: > 0 } audio])
{
    Console.Error.WriteLine("usage: EmbedSample RUN AUDIO (a run folder or checkpoint, and a recording)");
    return 2;
}
try
{
    using var encoder = Encoder.Load(run);
    float[,] frames = encoder.Encode(audio);
    float[] clip = encoder.EncodeClip(audio);

    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{frames.GetLength(0)} frames of {encoder.SecondsPerFrame:0.###} s, {encoder.Width} numbers each"));
    Console.WriteLine($"the clip: {string.Join(' ', clip.Take(8).Select(value => value.ToString("0.0000", CultureInfo.InvariantCulture)))} ...");
    return 0;
}
catch (Exception mistake) when (mistake is UserErrorException or TorchLoadException)
{
    Console.Error.WriteLine(mistake.Message);
    return 2;
}
