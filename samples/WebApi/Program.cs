// Embeds the recordings that are posted to it: dotnet run --project samples/WebApi -- RUN [PORT]
// curl --data-binary @clip.wav http://127.0.0.1:5000/embed
using System.Net;
using System.Runtime.Versioning;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using OtoMask;
using OtoMask.Audio;
using OtoMask.Torch;

[assembly: SupportedOSPlatform("linux")]

const long LargestRecording = 20_000_000; // bytes
const double LongestRecording = 600; // seconds: small files may unpack to days
const int AtOnce = 2, Waiting = 30; // requests; others are sent away

if (args is not ([{ Length: > 0 }] or [{ Length: > 0 }, _]) || !ushort.TryParse(args.ElementAtOrDefault(1) ?? "5000", out ushort port))
{
    Console.Error.WriteLine("usage: WebSample RUN [PORT] (a run folder or checkpoint; port 0 takes a free one)");
    return 2;
}
TorchRuntime.TuneProcess(); // the process is ours alone: threads that wait sleep, instead of spinning where other requests want to compute
Encoder encoder; // one for all requests: it is thread-safe
try
{
    encoder = Encoder.Load(args[0]);
}
catch (Exception mistake) when (mistake is UserErrorException or TorchLoadException)
{
    Console.Error.WriteLine(mistake.Message);
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.WebHost.ConfigureKestrel(server =>
{
    server.Listen(IPAddress.Loopback, port); // whoever wants it on a network puts a proxy with a login before it
    server.Limits.MaxRequestBodySize = LargestRecording;
});
builder.Services.AddRateLimiter(limits =>
{
    limits.RejectionStatusCode = StatusCodes.Status503ServiceUnavailable;
    limits.AddConcurrencyLimiter("embed", queue => (queue.PermitLimit, queue.QueueLimit, queue.QueueProcessingOrder) = (AtOnce, Waiting, QueueProcessingOrder.OldestFirst));
});
WebApplication app = builder.Build();
app.UseRateLimiter();

app.MapPost("/embed", async (HttpRequest request) =>
{
    // Stopped when the client hangs up, and when the server is stopped.
    using var stop = CancellationTokenSource.CreateLinkedTokenSource(request.HttpContext.RequestAborted, app.Lifetime.ApplicationStopping);
    try
    {
        using var body = new MemoryStream(); // small: see above
        await request.Body.CopyToAsync(body, stop.Token);
        body.Position = 0;
        // A second more than is allowed: so a longer recording is told from one that just fits.
        float[] samples = AudioFile.ReadMono(body, encoder.SampleRate, LongestRecording + 1, stop.Token);
        if (samples.Length > LongestRecording * encoder.SampleRate)
            return Results.Problem($"the recording is longer than {LongestRecording} s: post a part of it", statusCode: StatusCodes.Status413PayloadTooLarge);
        return Results.Ok(new Answer(encoder.EncodeClip(samples, encoder.SampleRate, cancellation: stop.Token)));
    }
    catch (BadHttpRequestException problem)
    {
        return Results.Problem(problem.Message, statusCode: problem.StatusCode);
    }
    catch (OperationCanceledException)
    {
        return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
    }
    catch (Exception problem) when (problem is UnreadableAudioException or ArgumentException)
    {
        return Results.Problem("the body is no audio: post the bytes of a wav, flac, ogg, opus or mp3 file", statusCode: StatusCodes.Status400BadRequest);
    }
}).RequireRateLimiting("embed");

using (encoder)
{
    try
    {
        await app.RunAsync();
        return 0;
    }
    catch (IOException problem) // the port is taken
    {
        Console.Error.WriteLine(problem.Message);
        return 2;
    }
}

/// <summary>What a recording's answer holds.</summary>
internal sealed record Answer(float[] Embedding);
