using System.Buffers;
using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>Collects one answer from the bytes of its connection.</summary>
internal abstract class AnswerFrame
{
    public long Received { get; private set; }

    /// <summary>Gets whether the protocol says that the answer has ended; where only the connection's end does, never.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Gets whether the server has said that it does not take the request.</summary>
    public virtual bool IsRefused => false;

    public static AnswerFrame Create(SoakProtocol protocol, ushort id) => protocol switch
    {
        SoakProtocol.FastCgi => new OfRecords(id),
        _ => new OfStream(protocol == SoakProtocol.Http),
    };

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Received += bytes.Length;
        Take(bytes);
    }

    /// <summary>Gets the answer, or what there is of it; null when that is not even its head.</summary>
    /// <param name="isClosed">Whether the connection has ended in an orderly way.</param>
    public abstract Answer? TryParse(bool isClosed);

    protected abstract void Take(ReadOnlySpan<byte> bytes);

    private sealed class OfStream(bool isHttp) : AnswerFrame
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();
        private long? _length;
        private bool _isChunked;

        public override bool IsComplete => isHttp && HasHead()
            && (_isChunked ? Bytes.EndsWith("0\r\n\r\n"u8) && TryParse(isClosed: false)!.IsComplete : Bytes.Length >= _length);

        private ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

        public override Answer? TryParse(bool isClosed) => Answer.TryParse(Bytes, isClosed);

        protected override void Take(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

        private bool HasHead()
        {
            if (_length is null && !_isChunked && Bytes.IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            {
                var head = Encoding.Latin1.GetString(Bytes[..end]).Split("\r\n");
                _isChunked = head.Contains("Transfer-Encoding: chunked", StringComparer.OrdinalIgnoreCase);
                var length = Array.Find(head, line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
                _length = length is null
                    ? long.MaxValue
                    : end + 4 + long.Parse(length.AsSpan("Content-Length:".Length), provider: CultureInfo.InvariantCulture);
            }

            return _length is not null;
        }
    }

    private sealed class OfRecords : AnswerFrame
    {
        private readonly FastCgiAnswers _answers = new();
        private readonly ushort _id;

        public OfRecords(ushort id)
        {
            _id = id;
            _answers.Expect(id);
        }

        public override bool IsComplete => _answers.HasEnded(_id);

        public override bool IsRefused => _answers.IsRefused(_id);

        public override Answer? TryParse(bool isClosed) => Answer.TryParse(_answers[_id], _answers.HasEnded(_id));

        protected override void Take(ReadOnlySpan<byte> bytes) => _answers.Add(bytes);
    }
}
