using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OtoMask.App.Reports;
using OtoMask.App.Serve.Watching;
using OtoMask.Audio;
using OtoMask.Data;

namespace OtoMask.App.Serve.Listening;

/// <summary>The page of masks: sounds that are sent or chosen, what strategies hide of them, and how that sounds.</summary>
/// <param name="book">The runs.</param>
/// <param name="sets">The recordings to choose from.</param>
internal sealed class MaskRoutes(RunBook book, SoundSets sets) : IRoutes
{
    private const int MostNames = 40, UploadsAtOnce = 2;
    private const string Wav = "audio/wav";
    private readonly SoundShelf shelf = new();
    private readonly SemaphoreSlim uploads = new(UploadsAtOnce);

    /// <inheritdoc/>
    public void Map(WebApplication app, CancellationToken ending)
    {
        var desk = new SoundDesk(shelf, book);
        app.Lifetime.ApplicationStopped.Register(desk.Dispose);
        app.MapGet("/masks", () =>
        {
            book.LookIfStale();
            return ServedPage.Answer(MasksPage.Build(book.Since(0).Changed, sets.All));
        });
        app.MapGet("/api/clips", (string set, string? find) => Answers.Of(() => Results.Json(Named(sets.Find(set), find ?? ""), HtmlPage.DataOptions)));
        app.MapGet("/api/clips/sound", (string set, string clip, CancellationToken cancellation) => Answers.Of(() => Results.Bytes(SoundOf(sets.ClipOf(sets.Find(set), clip), cancellation), Wav)));
        app.MapPost("/api/sounds", (HttpContext context, string name, CancellationToken cancellation) => Answers.OfAsync(() => TakeAsync(context, name, cancellation)));
        app.MapPost("/api/sounds/of", (string set, string clip, CancellationToken cancellation) => Answers.Of(() =>
        {
            Clip chosen = sets.ClipOf(sets.Find(set), clip);
            return Told(shelf.Add(chosen.Name, chosen.Path, cancellation));
        }));
        app.MapGet("/api/view", ([AsParameters] ViewQuestion view) => Answers.Of(() => Results.Json(desk.View(view), HtmlPage.DataOptions)));
        app.MapGet("/api/masks", ([AsParameters] ViewQuestion view, [AsParameters] MaskQuestion mask) => Answers.Of(() => Results.Json(desk.Masks(view, mask), HtmlPage.DataOptions)));
        app.MapGet("/api/reconstruction", ([AsParameters] ViewQuestion view, [AsParameters] MaskQuestion mask, string masking) =>
            Answers.Of(() => Results.Json(desk.Reconstruct(view, masking, mask), HtmlPage.DataOptions)));
        foreach (Heard what in Enum.GetValues<Heard>())
            app.MapGet($"/api/hear/{what}", ([AsParameters] ViewQuestion view, [AsParameters] MaskQuestion mask, string? masking) => Answers.Of(() => Results.Bytes(desk.Hear(view, what, masking, mask), Wav)));
    }

    /// <summary>Takes in the sound that a page sends.</summary>
    private async Task<IResult> TakeAsync(HttpContext context, string name, CancellationToken cancellation)
    {
        if (context.Request.ContentLength > SoundShelf.MostBytes)
            throw TooLarge(name, null);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = SoundShelf.MostBytes;
        if (!await uploads.WaitAsync(TimeSpan.Zero, cancellation))
            throw new UserErrorException("the server is reading other sounds; try again in a moment");
        try
        {
            using var bytes = new MemoryStream();
            await context.Request.Body.CopyToAsync(bytes, cancellation);
            bytes.Position = 0;
            return Told(shelf.Add(name, bytes, cancellation));
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw TooLarge(name, error);
        }
        finally
        {
            uploads.Release();
        }
    }

    private static UserErrorException TooLarge(string name, Exception? error) => new($"{OneLine.Of(name)} is larger than {SoundShelf.MostBytes >> 20} MB; cut it, or have it among --data", error);

    private static IResult Told(HeldSound sound) => Results.Json(new { sound.Id, sound.Name, sound.Seconds }, HtmlPage.DataOptions);

    /// <summary>The first names of a set that have all words in them, and how many have.</summary>
    private object Named(SoundSet set, string find)
    {
        string[] words = find.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] names = [.. sets.ClipsOf(set).Select(clip => clip.Name).Where(name => words.All(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)))];
        return new { Names = names.Take(MostNames), All = names.Length };
    }

    private static byte[] SoundOf(Clip clip, CancellationToken cancellation)
    {
        try
        {
            Waveform sound = SoundShelf.Read(clip.Path, cancellation);
            return WavBytes.Of(sound.Samples.Span, sound.SampleRate);
        }
        catch (UnreadableAudioException problem)
        {
            throw new UserErrorException($"{clip.Name} cannot be heard: {problem.Reason}", problem);
        }
    }
}
