using FsCheck;
using FsCheck.Fluent;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>One input of the property: what to send, in segments of which sizes, and how to leave.</summary>
internal sealed record FastCgiModelCase(FastCgiCommand[] Commands, int[] Segments, FastCgiEnding Ending)
{
    private static readonly int[] Whole = [int.MaxValue];

    private static readonly Gen<ushort> Ids = Gen.Frequency(
        (6, Gen.Constant((ushort)1)), (3, Gen.Constant((ushort)2)), (3, Gen.Constant((ushort)3)), (1, Gen.Constant((ushort)65_535)));

    private static readonly Gen<FastCgiBehaviour> Behaviours = Gen.Frequency(
        (6, Gen.Constant(FastCgiBehaviour.Echo)),
        (4, Gen.Constant(FastCgiBehaviour.Digest)),
        (4, Gen.Constant(FastCgiBehaviour.Ignore)),
        (4, Gen.Constant(FastCgiBehaviour.Early)),
        (2, Gen.Constant(FastCgiBehaviour.Large)),
        (3, Gen.Constant(FastCgiBehaviour.Chunks)),
        (2, Gen.Constant(FastCgiBehaviour.Throw)),
        (4, Gen.Constant(FastCgiBehaviour.Wait)));

    private static readonly Gen<int> Lengths = Gen.Frequency(
        (3, Gen.Constant(0)), (8, Gen.Choose(1, 100)), (6, Gen.Choose(100, 5000)), (1, Gen.Choose(100_000, 200_000)));

    private static readonly Gen<FastCgiCommand> Begins =
        from id in Ids
        from role in Gen.Frequency((20, Gen.Constant(1)), (2, Gen.Constant(2)), (1, Gen.Choose(3, 4)))
        from keep in Gen.Frequency((15, Gen.Constant(true)), (1, Gen.Constant(false)))
        from behaviour in Gen.Frequency((60, Behaviours), (1, Gen.Constant(FastCgiBehaviour.ThrowLate)))
        from length in Lengths
        from isAnnounced in Gen.Elements(true, true, false)
        select Begin(id, (ushort)role, keep, behaviour, length, isAnnounced);

    private static readonly Gen<FastCgiCommand> AnyCommand = Gen.Frequency(
        (60, Begins),
        (60, from id in Ids from count in Gen.Choose(1, 200) select (FastCgiCommand)new ParamsCommand(id, count)),
        (90, Ids.Select(id => (FastCgiCommand)new EndParamsCommand(id))),
        (70, from id in Ids from count in Gen.Choose(1, 3000) select (FastCgiCommand)new StdinCommand(id, count)),
        (80, Ids.Select(id => (FastCgiCommand)new EndStdinCommand(id))),
        (40, Ids.Select(id => (FastCgiCommand)new AbortCommand(id))),
        (20, Ids.Select(id => (FastCgiCommand)new AwaitCommand(id))),
        (10, Gen.Constant<FastCgiCommand>(new GetValuesCommand())),
        (5, Gen.Choose(12, 255).Select(type => (FastCgiCommand)new UnknownTypeCommand((byte)type))),
        (15, from type in Gen.Elements<byte>(2, 3, 4, 5, 6, 7, 8)
             from id in Gen.OneOf(Ids, Gen.Constant((ushort)77))
             from count in Gen.Choose(0, 300)
             select (FastCgiCommand)new StrayCommand(type, id, count)),
        (1, Ids.Select(id => (FastCgiCommand)new CutParamsCommand(id))),
        (1, Ids.Select(id => (FastCgiCommand)new CutStdinCommand(id))),
        (1, Ids.Select(id => (FastCgiCommand)new ExceedStdinCommand(id))),
        (1, from first in Gen.Choose(2, 256)
            from rest in Gen.Choose(0, 255).ArrayOf(20)
            select (FastCgiCommand)new NoiseCommand([(byte)first, .. rest.Select(value => (byte)value)])),
        (2, from id in Ids
            from violation in Gen.Elements(Enum.GetValues<FastCgiViolation>())
            select (FastCgiCommand)new ViolateCommand(violation, id)));

    private static readonly Gen<FastCgiCommand> PaddedCommand =
        from command in AnyCommand
        from padding in Gen.Frequency((3, Gen.Constant(0)), (2, Gen.Choose(1, 8)), (1, Gen.Choose(9, 255)))
        select command with { Padding = (byte)padding };

    private static readonly Gen<int[]> AnySegments = Gen.Frequency(
        (4, Gen.Constant(Whole)),
        (3, Gen.Choose(1, 60).NonEmptyListOf().Select(sizes => sizes.ToArray())),
        (3, Gen.Choose(1, 5000).NonEmptyListOf().Select(sizes => sizes.ToArray())));

    public static Arbitrary<FastCgiModelCase> Arbitrary { get; } = Arb.From(
        from commands in PaddedCommand.ListOf()
        from segments in AnySegments
        from ending in Gen.Frequency(
            (12, Gen.Constant(FastCgiEnding.Finish)),
            (2, Gen.Constant(FastCgiEnding.HalfClose)),
            (1, Gen.Constant(FastCgiEnding.Close)),
            (1, Gen.Constant(FastCgiEnding.Reset)))
        select new FastCgiModelCase([.. commands], segments, ending),
        Shrink);

    public override string ToString()
    {
        var model = new FastCgiModel(1, Commands, Ending, abortsOnHalfClose: true);
        return $"""

            {string.Join("\n", model.Steps)}
            {Ending}, segments of {(Segments is [int.MaxValue] ? "everything" : string.Join(", ", Segments))}

            """;
    }

    // An application that does not read must not be sent more than the server keeps for it: the connection would wait, as it has to.
    private static FastCgiCommand Begin(ushort id, ushort role, bool keep, FastCgiBehaviour behaviour, int length, bool isAnnounced) =>
        role == 2
            ? new BeginCommand(id, role, keep, behaviour, 0, IsAnnounced: false)
            : new BeginCommand(id, role, keep, behaviour, behaviour == FastCgiBehaviour.Wait ? length % 5000 : length, isAnnounced);

    private static IEnumerable<FastCgiModelCase> Shrink(FastCgiModelCase input)
    {
        if (input.Segments is not [int.MaxValue])
            yield return input with { Segments = Whole };
        if (input.Ending != FastCgiEnding.Finish)
            yield return input with { Ending = FastCgiEnding.Finish };

        for (var size = input.Commands.Length / 2; size > 0; size /= 2)
        {
            for (var at = 0; at + size <= input.Commands.Length; at += size)
                yield return input with { Commands = [.. input.Commands[..at], .. input.Commands[(at + size)..]] };
        }

        for (var at = 0; at < input.Commands.Length; at++)
        {
            foreach (var simpler in Simplify(input.Commands[at]))
                yield return input with { Commands = [.. input.Commands[..at], simpler, .. input.Commands[(at + 1)..]] };
        }
    }

    private static IEnumerable<FastCgiCommand> Simplify(FastCgiCommand command)
    {
        if (command.Padding > 0)
            yield return command with { Padding = 0 };
        if (command is BeginCommand { BodyLength: > 0 } begin)
            yield return begin with { BodyLength = begin.BodyLength / 2 };
        if (command is BeginCommand { Behaviour: not FastCgiBehaviour.Ignore } behaving)
            yield return behaving with { Behaviour = FastCgiBehaviour.Ignore };
    }
}
